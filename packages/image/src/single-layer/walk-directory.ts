import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from "node:fs";
import { type LayerEntryKind, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { FileChunks } from "../archive/file-chunks.ts";
import type { TarEntry } from "../tar/write-tar.ts";

/** Reads extended attributes, of links themselves; files without any may be left out. Node cannot. */
export type ReadXattrs = (
  directory: string,
  paths: readonly string[],
) => Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>>;

export interface WalkOptions {
  /** `root`: everything is root's, whoever owns it here. */
  readonly owners?: "keep" | "root";
  /** Seconds since 1970 that everything gets; absent: each its own time, to the nanosecond. */
  readonly mtime?: number;
  /** Absent: no extended attributes are taken. */
  readonly readXattrs?: ReadXattrs;
  /** Others write to the directory meanwhile. Absent: whatever changes is an error. */
  readonly live?: LiveDirectory;
}

/**
 * A directory that is in use, of which an archive is as whole as tar's: what is gone when it is come to is left out, and a file has
 * the length that it had when it was opened, with zeros at its end if it has become shorter.
 */
export interface LiveDirectory {
  /** Paths below the directory: of directories nothing but themselves is taken, and of all else nothing. */
  readonly emptied: ReadonlySet<string>;
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Everything in a directory, and first the directory itself, as entries of a layer: of the same files always the same, in
 * the order of their names' bytes. A file with several names is the first of them, and the others are links to it. Sockets
 * are left out. No link leads out of the directory, whoever changes it meanwhile.
 *
 * @throws OrlopError
 */
export async function* walkDirectory(directory: string, options: WalkOptions = {}): AsyncGenerator<TarEntry> {
  try {
    const xattrs = await xattrsOf(directory, options);
    const fd = openSync(directory, O_RDONLY | O_DIRECTORY);
    for (const { at, ...entry } of new Walk(directory, options).visit(fd, "")) {
      const found = at === undefined ? undefined : xattrs.get(at);
      yield found === undefined ? entry : { ...entry, xattrs: found };
    }
  } catch (cause) {
    throw cause instanceof OrlopError ? cause : systemFailure(`read directory "${directory}"`, cause);
  }
}

/** Labels that this machine's own policies put on files, and notes of file systems for themselves. */
const LOCAL_XATTRS = /^(?:security\.(?:selinux|apparmor|SMACK|ima|evm)|trusted\.)/;

async function xattrsOf(
  directory: string,
  { readXattrs, live }: WalkOptions,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>> {
  if (readXattrs === undefined) return new Map();
  const fd = openSync(directory, O_RDONLY | O_DIRECTORY);
  const paths = [
    ...new Walk(directory, { isListing: true, ...(live === undefined ? {} : { live }) }).visit(fd, ""),
  ].flatMap(({ at }) => at ?? []);
  const found = await readXattrs(directory, paths);
  return new Map(
    [...found].map(([path, xattrs]) => [path, new Map([...xattrs].filter(([name]) => !LOCAL_XATTRS.test(name)))]),
  );
}

/** `at` is where its attributes are: a path below the directory, which itself is "". */
type Entry = TarEntry & { readonly at?: string };

interface VisitOptions extends WalkOptions {
  /** Files are not opened. */
  readonly isListing?: boolean;
}

class Walk {
  readonly #directory: string;
  readonly #options: VisitOptions;
  /** First names of files that have several, by what is the same for all of them. */
  readonly #names = new Map<string, string>();

  constructor(directory: string, options: VisitOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** Closes the descriptor. */
  *visit(fd: number, path: string): Generator<Entry> {
    try {
      yield { ...this.#describe(path === "" ? "." : path, fstatSync(fd, { bigint: true })), at: path };
      if (this.#options.live?.emptied.has(path)) return;
      for (const name of namesIn(fd, path)) yield* this.#child(`/proc/self/fd/${fd}/${name}`, join(path, name));
    } finally {
      closeSync(fd);
    }
  }

  *#child(place: string, path: string): Generator<Entry> {
    const stat = this.#unlessGone(() => lstatSync(place, { bigint: true }));
    if (stat === undefined || stat.isSocket()) return;
    if (stat.isDirectory()) {
      const fd = this.#unlessGone(() => openSync(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      if (fd !== undefined) yield* this.visit(fd, path);
      return;
    }
    if (this.#options.live?.emptied.has(path)) return;
    const entry = this.#describe(path, stat);
    const first = this.#nameOf(path, stat);
    if (first !== path) yield { ...entry, kind: "hard-link", target: first, size: 0 };
    else if (stat.isSymbolicLink()) {
      const target = this.#unlessGone(() => readlinkSync(place));
      if (target !== undefined) yield { ...entry, target, at: path };
    } else if (stat.isFile() && !this.#options.isListing) yield* this.#file(place, path);
    else yield { ...entry, at: path };
  }

  /** It is open, and what it was, as long as its entry is looked at. */
  *#file(place: string, path: string): Generator<Entry> {
    const fd = this.#unlessGone(() => openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (fd === undefined) return;
    const { live } = this.#options;
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) throw changed(this.#directory, path);
      const size = Number(stat.size);
      yield {
        ...this.#describe(path, stat),
        size,
        content: () => (live === undefined ? new FileChunks(fd, 0) : ofLength(fd, size)),
        at: path,
      };
    } finally {
      closeSync(fd);
    }
  }

  /** Undefined for what is not there any more, or has been replaced, in a directory that is in use. */
  #unlessGone<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (this.#options.live !== undefined && GONE.has(code)) return undefined;
      throw error;
    }
  }

  #nameOf(path: string, { dev, ino, nlink }: BigIntStats): string {
    if (nlink < 2n) return path;
    const key = `${dev}:${ino}`;
    const first = this.#names.get(key) ?? path;
    this.#names.set(key, first);
    return first;
  }

  #describe(path: string, stat: BigIntStats): TarEntry {
    const { owners = "keep", mtime } = this.#options;
    const seconds = stat.mtimeNs / 1_000_000_000n;
    const isRoot = owners === "root";
    return {
      kind: kindOf(stat),
      path,
      mode: Number(stat.mode & 0o7777n),
      uid: isRoot ? 0 : Number(stat.uid),
      gid: isRoot ? 0 : Number(stat.gid),
      mtime: mtime ?? Number(seconds),
      mtimeNanoseconds: mtime === undefined ? Number(stat.mtimeNs % 1_000_000_000n) : 0,
      device: deviceNumbers(stat.rdev),
    };
  }
}

const KINDS: readonly (readonly [is: (stat: BigIntStats) => boolean, kind: LayerEntryKind])[] = [
  [(stat) => stat.isFile(), "file"],
  [(stat) => stat.isDirectory(), "directory"],
  [(stat) => stat.isSymbolicLink(), "symlink"],
  [(stat) => stat.isCharacterDevice(), "character-device"],
  [(stat) => stat.isBlockDevice(), "block-device"],
];

function kindOf(stat: BigIntStats): LayerEntryKind {
  return KINDS.find(([is]) => is(stat))?.[1] ?? "fifo";
}

const GONE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EINVAL"]);

/** So much of a file as it had. */
async function* ofLength(fd: number, size: number): AsyncGenerator<Buffer> {
  let left = size;
  for await (const chunk of new FileChunks(fd, 0, size)) {
    left -= chunk.length;
    yield chunk;
  }
  for (; left > 0; left -= Math.min(left, ZEROS.length)) yield ZEROS.subarray(0, left);
}

const ZEROS = Buffer.alloc(256 * 1024);

/** The kernel's encoding of device numbers in 64 bits (makedev(3)). */
function deviceNumbers(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}

function namesIn(fd: number, path: string): readonly string[] {
  return readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" })
    .sort(Buffer.compare)
    .map((bytes) => {
      const name = bytes.toString();
      if (Buffer.from(name).equals(bytes)) return name;
      throw new OrlopError("invalid", `Cannot archive "${join(path, name)}": its name is not UTF-8`);
    });
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function changed(directory: string, path: string): OrlopError {
  return new OrlopError("conflict", `Cannot archive "${path}" of "${directory}": it is being replaced`);
}
