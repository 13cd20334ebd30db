import { createHash, type Hash } from "node:crypto";
import { type LayerEntry, OrlopError } from "@orlop/core";
import { readTar } from "../tar/read-tar.ts";
import type { TarEntry } from "../tar/write-tar.ts";
import { refusedFile } from "./debian-error.ts";
import { type DebianPackage, isMeant } from "./debian-package.ts";
import type { ImageTree } from "./image-tree.ts";
import type { Deb } from "./read-deb.ts";

/** A package whose files have become entries of the layer. */
export interface UnpackedPackage {
  readonly package: DebianPackage;
  readonly control: Deb["control"];
  /** Paths as dpkg lists them: `/.`, `/usr`. */
  readonly files: readonly string[];
  /** MD5 in hex of its files that are configuration, by their paths as the package has them. */
  readonly conffiles: ReadonlyMap<string, string>;
}

interface UnpackOptions {
  readonly tree: ImageTree;
  /** All of the image, by their names. */
  readonly packages: ReadonlyMap<string, DebianPackage>;
  /** Seconds since 1970: nothing is newer. */
  readonly timeMax: number;
  /** Files whose content is wanted, by their real paths. */
  isWanted(path: string): boolean;
  onContent(path: string, content: Buffer): void;
  onTime(mtime: number): void;
}

const WANTED_MAX_BYTES = 1024 * 1024;

/**
 * The entries of one package as the layer gets them: with their real paths, without directories that are there already and
 * without files that another package replaces. Returns what dpkg is to know of it.
 *
 * @throws OrlopError `invalid` for what no package may hold, `conflict` for a file that another package has
 */
export async function* unpackPackage(
  deb: Deb,
  unpacked: DebianPackage,
  options: UnpackOptions,
): AsyncGenerator<TarEntry, UnpackedPackage> {
  const files: string[] = [];
  const conffiles = new Map<string, string>();
  const hashes = new Map<string, Hash>();
  const configuration = readConffiles(deb);
  for await (const entry of readTar(deb.data)) {
    const listed = listedPath(entry.path);
    const placed = placeEntry(entry, unpacked, options);
    if (placed === "replaced") continue;
    files.push(listed);
    if (placed === "there") continue;
    yield* placed.missing;
    const content = contentOf(
      entry,
      placed.entry.path,
      options,
      configuration.has(listed) ? listed : undefined,
      hashes,
    );
    yield { ...placed.entry, ...(content === undefined ? {} : { content }) };
  }
  for (const [path, hash] of hashes) conffiles.set(path, hash.digest("hex"));
  return { package: unpacked, control: deb.control, files, conffiles };
}

/** `./usr/bin` is `/usr/bin`, and the root `/.`. */
function listedPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 ? "/." : `/${parts.join("/")}`;
}

function readConffiles({ control }: Deb): ReadonlySet<string> {
  const lines = (control.get("conffiles")?.content.toString() ?? "").split("\n").map((line) => line.trim());
  // A word in front says what is to become of one when it is no longer in the package.
  return new Set(lines.filter((line) => line.startsWith("/")));
}

interface PlacedEntry {
  readonly entry: TarEntry;
  readonly missing: readonly TarEntry[];
}

function placeEntry(
  entry: LayerEntry,
  unpacked: DebianPackage,
  { tree, packages, timeMax, onTime }: UnpackOptions,
): PlacedEntry | "there" | "replaced" {
  const { kind, mode, uid, gid, size, target } = entry;
  if (kind === "character-device" || kind === "block-device") throw refusedFile(entry.path, "packages have no devices");
  onTime(entry.mtime);
  const time =
    entry.mtime > timeMax ? { mtime: timeMax, mtimeNanoseconds: 0 } : { mtime: entry.mtime, mtimeNanoseconds: 0 };
  const { path, missing } = kind === "directory" ? tree.placeDirectory(entry.path, time) : tree.place(entry.path, time);
  if (path === "") return "there";
  // Directories belong to the first that brings them, and so do links to directories.
  const there = tree.get(path);
  if (there?.kind === "directory" && (kind === "directory" || kind === "symlink")) return "there";
  if (there !== undefined && !(there.kind === "symlink" && there.owner === undefined && there.target === target)) {
    return excuse(path, there.owner, unpacked, packages);
  }
  const linked = kind === "hard-link" ? linkTarget(target, tree, time) : target;
  const owner = unpacked.name;
  if (kind === "hard-link") tree.set(path, { kind: "file", owner });
  else tree.set(path, { kind, owner, ...(kind === "symlink" ? { target } : {}) });
  if (there !== undefined) return "there";
  // Extended attributes are left out, as dpkg does.
  return { entry: { kind, path, mode, uid, gid, size, target: linked, ...time }, missing };
}

/** A file that another package has is left out where that one replaces it; else the two exclude each other. */
function excuse(
  path: string,
  owner: string | undefined,
  unpacked: DebianPackage,
  packages: ReadonlyMap<string, DebianPackage>,
): "replaced" {
  const other = owner === undefined ? undefined : packages.get(owner);
  if (other === unpacked) throw refusedFile(unpacked.name, `it has ${path} twice`);
  if (other?.replaces.some((relation) => isMeant(relation, unpacked))) return "replaced";
  throw new OrlopError(
    "conflict",
    `Cannot unpack "${path}" of package ${unpacked.name}: ${owner ?? "the image"} has it, too`,
  );
}

function linkTarget(target: string, tree: ImageTree, time: Pick<LayerEntry, "mtime" | "mtimeNanoseconds">): string {
  const { path } = tree.place(target, time);
  if (tree.get(path)?.kind !== "file") throw refusedFile(target, "a hard link leads to it, and it is no file");
  return path;
}

function contentOf(
  entry: LayerEntry,
  path: string,
  { isWanted, onContent }: UnpackOptions,
  conffile: string | undefined,
  hashes: Map<string, Hash>,
): (() => AsyncGenerator<Buffer>) | undefined {
  if (entry.kind !== "file") return undefined;
  const wanted = isWanted(path);
  if (conffile === undefined && !wanted) return () => entry.content();
  return async function* () {
    const hash = createHash("md5");
    const parts: Buffer[] = [];
    for await (const part of entry.content()) {
      hash.update(part);
      if (wanted && entry.size <= WANTED_MAX_BYTES) parts.push(Buffer.from(part));
      yield part;
    }
    if (conffile !== undefined) hashes.set(conffile, hash);
    if (wanted) onContent(path, Buffer.concat(parts));
  };
}
