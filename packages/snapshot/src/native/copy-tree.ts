import {
  type BigIntStats,
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type DescribedDirectory, describeDirectories } from "../directory/describe-directories.ts";
import { decodeDevice, fileType } from "../directory/file-type.ts";
import { StagedFile } from "../directory/staged-file.ts";
import { statAttributes } from "../directory/stat-attributes.ts";
import { anybodysXattrs } from "../layer/layer-losses.ts";
import type { Attributes } from "../layer/lower-layer.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import { makeSpecialFiles, type SpecialFile } from "../system/special-files.ts";
import type { SystemCalls } from "../system/system-calls.ts";

interface CopyOptions {
  readonly system: SystemCalls;
  /** Path of a file that is not there, and will not be afterwards. */
  readonly scratch: string;
  /** Owners are set. An ordinary user has only one to give. */
  readonly keepOwners: boolean;
}

/** Others have their turn after so many files. */
const FILES_AT_ONCE = 256;
/** Copying less takes no longer than to have another thread do it. */
const ASIDE_MIN_BYTES = 256 * 1024;
const READ_BYTES = 1 << 20;
/** stat(2): st_blocks counts these. */
const STAT_BLOCK_BYTES = 512;
const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

/**
 * Copies a directory, which nobody writes to meanwhile, to one that is not there yet or has nothing in it: files of all
 * kinds but sockets, with owners, modes, times to the nanosecond, extended attributes, hard links and holes. Contents are
 * shared where the file system can (FICLONE).
 *
 * @throws the errors of node:fs, and OrlopError for what a system call does not do
 */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<void> {
  const copy = new TreeCopy(from, to, options.keepOwners);
  await copy.files();
  const { system, scratch, keepOwners } = options;
  const xattrs = await readXattrs(system, from, copy.paths, scratch);
  const attributes = [...xattrs].flatMap(([path, all]) =>
    [...(keepOwners ? all : anybodysXattrs(all))].map(
      ([name, value]): SpecialFile => ({ kind: "xattr", path, name, value }),
    ),
  );
  await makeSpecialFiles(system, to, [...copy.specials, ...attributes, ...copy.times], keepOwners);
  describeDirectories(to, copy.directories, keepOwners);
}

class TreeCopy {
  /** One of each file, relative, "." for the directory itself. */
  readonly paths: string[] = [];
  readonly specials: SpecialFile[] = [];
  /** For when nothing is made in directories any more. */
  readonly times: SpecialFile[] = [];
  /** Those above first. */
  readonly directories: DescribedDirectory[] = [];
  readonly #from: string;
  readonly #to: string;
  readonly #keepOwners: boolean;
  /** By their inodes, of those with more names, the first. */
  readonly #named = new Map<string, string>();

  constructor(from: string, to: string, keepOwners: boolean) {
    this.#from = from;
    this.#to = to;
    this.#keepOwners = keepOwners;
  }

  async files(): Promise<void> {
    const waiting = [""];
    let files = 0;
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (++files % FILES_AT_ONCE === 0) await nextTurn();
      const stat = lstatSync(join(this.#from, path), { bigint: true });
      if (stat.isDirectory()) {
        this.#makeDirectory(path, stat);
        for (const name of readdirSync(join(this.#from, path))) waiting.push(path === "" ? name : `${path}/${name}`);
      } else if (!stat.isSocket()) await this.#copy(path, stat);
    }
  }

  #makeDirectory(path: string, stat: BigIntStats): void {
    // An empty directory may be there for all of it.
    mkdirSync(join(this.#to, path), { mode: 0o700, recursive: path === "" });
    const attributes = attributesOf(stat);
    this.directories.push({ path, attributes });
    this.paths.push(path === "" ? "." : path);
    this.#noteTime(path === "" ? "." : path, attributes);
  }

  async #copy(path: string, stat: BigIntStats): Promise<void> {
    const [source, place] = [join(this.#from, path), join(this.#to, path)];
    const attributes = attributesOf(stat);
    const type = fileType(stat);
    const isNode = type !== "file" && type !== "symlink";
    const inode = `${stat.dev}:${stat.ino}`;
    const first = stat.nlink > 1n ? this.#named.get(inode) : undefined;
    if (first !== undefined) {
      if (isNode) this.specials.push({ kind: "link", path, target: first });
      else linkSync(join(this.#to, first), place);
      return;
    }
    if (stat.nlink > 1n) this.#named.set(inode, path);
    this.paths.push(path);
    if (isNode) {
      this.specials.push({ kind: "node", path, type, device: decodeDevice(stat), attributes });
      return;
    }
    if (type === "symlink") symlinkSync(readlinkSync(source), place);
    else await this.#copyContent(source, place, stat);
    this.#describe(place, type, attributes);
    this.#noteTime(path, attributes);
  }

  async #copyContent(source: string, place: string, stat: BigIntStats): Promise<void> {
    const size = Number(stat.size);
    const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants;
    if (size < ASIDE_MIN_BYTES) copyFileSync(source, place, COPYFILE_EXCL | COPYFILE_FICLONE);
    else if (Number(stat.blocks) * STAT_BLOCK_BYTES >= size) {
      await copyFile(source, place, COPYFILE_EXCL | COPYFILE_FICLONE);
    } else {
      // It has holes, which a copy that is no clone would fill.
      await copyFile(source, place, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE).catch(async () => {
        await copySparse(source, place, attributesOf(stat), this.#keepOwners);
      });
    }
  }

  #describe(place: string, type: "file" | "symlink", { mode, uid, gid, mtime, mtimeNanoseconds }: Attributes): void {
    // The owner first: a change of it clears the set-id bits.
    if (this.#keepOwners) lchownSync(place, uid, gid);
    if (type === "file") chmodSync(place, mode);
    if (mtimeNanoseconds !== 0) return;
    if (type === "file") utimesSync(place, mtime, mtime);
    else lutimesSync(place, mtime, mtime);
  }

  #noteTime(path: string, attributes: Attributes): void {
    if (attributes.mtimeNanoseconds !== 0) this.times.push({ kind: "time", path, attributes });
  }
}

async function copySparse(source: string, place: string, attributes: Attributes, keepOwners: boolean): Promise<void> {
  await using handle = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  using file = new StagedFile(place);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    file.write(buffer.subarray(0, bytesRead));
  }
  file.finish(attributes, keepOwners);
}

function attributesOf(stat: BigIntStats): Attributes {
  return { ...statAttributes(stat), xattrs: NO_XATTRS };
}
