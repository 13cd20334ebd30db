import { createHash } from "node:crypto";
import { type Digest, OrlopError } from "@orlop/core";
import { type TarEntry, writeTar } from "../tar/write-tar.ts";
import { baseFiles, isCopied } from "./base-files.ts";
import type { CachedFiles } from "./cached-files.ts";
import type { DebianListener } from "./debian-event.ts";
import { type DebianPackage, isMeant } from "./debian-package.ts";
import { dpkgDatabase } from "./dpkg-database.ts";
import { ImageTree } from "./image-tree.ts";
import { orderedAhead } from "./ordered-ahead.ts";
import { ReadAhead } from "./read-ahead.ts";
import { type Deb, readDeb } from "./read-deb.ts";
import { type ScriptStep, scriptSteps } from "./script-steps.ts";
import type { Spool } from "./spool.ts";
import { type UnpackedPackage, unpackPackage } from "./unpack-packages.ts";

/** The largest of Debian have less than 2 GB. */
const PACKAGE_MAX_BYTES = 4 * 1024 * 1024 * 1024 - 1;
const PACKAGE_UNPACKED_MAX_BYTES = 32 * 1024 * 1024 * 1024;

const DOWNLOADS_AHEAD = { countMax: 8, weightMax: 64 * 1024 * 1024 };
/** Decompressing takes most of the time, and a processor each. */
const UNPACKED_AHEAD = { countMax: 4, weightMax: 4 };
const UNPACKED_AHEAD_MAX_BYTES = 8 * 1024 * 1024;

interface LayerContents {
  /** Sorted by name. */
  readonly packages: readonly DebianPackage[];
  /** Directories at the top that are links into `/usr`. */
  readonly links: readonly string[];
  /** Files that no package has. */
  readonly files: Readonly<Record<string, string>>;
  /** Maintainer scripts are run later. */
  readonly scripts: boolean;
  /** Seconds since 1970, which no file is newer than; absent: that of the newest file. */
  readonly sourceDateEpoch: number | undefined;
}

interface LayerOptions {
  readonly files: CachedFiles;
  readonly spool: Spool;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: DebianListener | undefined;
}

export interface MadeLayer {
  readonly digest: Digest;
  readonly size: number;
  /** Seconds since 1970: of its newest file. */
  readonly mtime: number;
  readonly tree: ImageTree;
  /** What precedes `dpkg --configure` where maintainer scripts are run. */
  scriptSteps(): readonly ScriptStep[];
}

/**
 * Makes a layer of packages in one pass: they come from the mirror in parallel, and what is in them goes to the layer as it
 * is unpacked, each in its turn, so that the same packages give the same bytes.
 *
 * @throws OrlopError
 */
export async function makeLayer(contents: LayerContents, options: LayerOptions): Promise<MadeLayer> {
  const hash = createHash("sha256");
  const layer = new Layer(contents, options);
  const begin = options.spool.size;
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of writeTar(layer.entries())) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await options.spool.append(hashed());
  const size = options.spool.size - begin;
  const { mtime, tree } = layer;
  return { digest: `sha256:${hash.digest("hex")}`, size, mtime, tree, scriptSteps: () => layer.scriptSteps() };
}

class Layer {
  readonly tree = new ImageTree();
  readonly #contents: LayerContents;
  readonly #options: LayerOptions;
  readonly #copied = new Map<string, Buffer>();
  readonly #unpacked: UnpackedPackage[] = [];
  #newest = 0;

  constructor(contents: LayerContents, options: LayerOptions) {
    this.#contents = contents;
    this.#options = options;
  }

  scriptSteps(): readonly ScriptStep[] {
    return scriptSteps(this.#unpacked.toSorted((a, b) => (a.package.name < b.package.name ? -1 : 1)));
  }

  get mtime(): number {
    return Math.min(this.#newest, this.#contents.sourceDateEpoch ?? this.#newest);
  }

  async *entries(): AsyncGenerator<TarEntry> {
    const { links, files, scripts } = this.#contents;
    for (const link of links) this.tree.set(link, { kind: "symlink", target: `usr/${link}` });
    yield* this.#packages();
    const { mtime } = this;
    // Made last, since only now the time of what nobody made is known.
    for (const link of links) {
      yield* this.#own({ kind: "directory", path: `usr/${link}`, mode: 0o755, mtime });
      yield { kind: "symlink", path: link, target: `usr/${link}`, mode: 0o777, mtime };
    }
    for (const entry of baseFiles(this.#copied, { mtime, scripts })) yield* this.#own(entry);
    for (const [path, text] of Object.entries(files)) {
      const content = Buffer.from(text);
      yield* this.#own({ kind: "file", path, mode: 0o644, mtime, size: content.length, content: () => [content] });
    }
    for (const entry of dpkgDatabase(this.#unpacked, mtime)) yield* this.#own(entry);
  }

  /** What no package has is left out where one does have it. */
  *#own(entry: TarEntry): Generator<TarEntry> {
    const time = { mtime: this.mtime, mtimeNanoseconds: 0 };
    const { path, missing } = this.tree.place(entry.path, time);
    yield* missing;
    if (this.tree.get(path) !== undefined) return;
    const { kind, target } = entry;
    this.tree.set(path, {
      kind: kind === "directory" || kind === "symlink" ? kind : "file",
      ...(target ? { target } : {}),
    });
    yield { ...entry, path };
  }

  async *#packages(): AsyncGenerator<TarEntry> {
    const { packages, sourceDateEpoch } = this.#contents;
    const { onEvent } = this.#options;
    const byName = new Map(packages.map((each) => [each.name, each]));
    for await (const { wanted, deb, ahead } of this.#opened()) {
      await using _ = ahead;
      const unpacked = yield* unpackPackage({ ...deb, data: ahead.chunks() }, wanted, {
        tree: this.tree,
        packages: byName,
        timeMax: sourceDateEpoch ?? Number.MAX_SAFE_INTEGER,
        isWanted: isCopied,
        onContent: (path, content) => this.#copied.set(path, content),
        onTime: (mtime) => {
          this.#newest = Math.max(this.#newest, mtime);
        },
      });
      this.#unpacked.push(unpacked);
      onEvent?.({ kind: "unpacked", name: wanted.name });
    }
  }

  async *#opened(): AsyncGenerator<OpenedPackage> {
    const { files, signal, onEvent } = this.#options;
    const onBytes = (count: number): void => onEvent?.({ kind: "bytes", count });
    const downloads = unpackingOrder(this.#contents.packages).map((wanted) => ({
      weight: wanted.file.size,
      start: async () => ({
        wanted,
        bytes: await files.get(wanted.file, { sizeMax: PACKAGE_MAX_BYTES, signal, onBytes }),
      }),
    }));
    const opening = async function* () {
      for await (const { wanted, bytes } of orderedAhead(downloads, DOWNLOADS_AHEAD)) {
        yield { weight: 1, start: () => openPackage(wanted, bytes, signal) };
      }
    };
    yield* orderedAhead(opening(), UNPACKED_AHEAD, ({ ahead }) => void ahead[Symbol.asyncDispose]());
  }
}

interface OpenedPackage {
  readonly wanted: DebianPackage;
  readonly deb: Deb;
  readonly ahead: ReadAhead;
}

async function openPackage(
  wanted: DebianPackage,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<OpenedPackage> {
  const deb = await readDeb(bytes, { name: wanted.name, sizeMax: PACKAGE_UNPACKED_MAX_BYTES, signal });
  const ahead = new ReadAhead(deb.data, UNPACKED_AHEAD_MAX_BYTES);
  try {
    expectSame(deb, wanted);
  } catch (error) {
    await ahead[Symbol.asyncDispose]();
    throw error;
  }
  return { wanted, deb, ahead };
}

function expectSame({ control }: Deb, { name, version }: DebianPackage): void {
  const text = control.get("control")?.content.toString() ?? "";
  const found = /^Version:[ \t]*(\S+)[ \t]*$/im.exec(text)?.[1];
  if (found === version) return;
  throw new OrlopError(
    "invalid",
    `Cannot use package "${name}": it is version ${found ?? "-"}, and the index says ${version}`,
  );
}

/**
 * By name, base-files first, whose directories have their owners and modes from it; a package that replaces files of
 * another comes before that one, so that nothing is ever overwritten.
 */
function unpackingOrder(packages: readonly DebianPackage[]): readonly DebianPackage[] {
  const ordered = new Set<DebianPackage>();
  const begun = new Set<DebianPackage>();
  const replacers = new Map<string, DebianPackage[]>();
  for (const each of packages) {
    for (const { name } of each.replaces) replacers.set(name, [...(replacers.get(name) ?? []), each]);
  }
  const visit = (each: DebianPackage): void => {
    if (begun.has(each)) return;
    begun.add(each);
    const names = [each.name, ...each.provides.map(({ name }) => name)];
    for (const before of names.flatMap((name) => replacers.get(name) ?? [])) {
      if (before !== each && before.replaces.some((relation) => isMeant(relation, each))) visit(before);
    }
    ordered.add(each);
  };
  for (const each of packages) if (each.name === "base-files") visit(each);
  for (const each of packages) visit(each);
  return [...ordered];
}
