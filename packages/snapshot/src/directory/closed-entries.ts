import { constants } from "node:fs";
import type { LayerEntry } from "@orlop/core";
import { pipeThrough, readTar } from "@orlop/image";
import { isCopied, isOpaque } from "../layer/overlay-xattrs.ts";
import { checkName, markerEntry, ownXattrs, whiteoutPath } from "./file-entry.ts";
import { type FoundFile, listUpper } from "./list-upper.ts";
import type { RootDirectory } from "./root-directory.ts";

const { S_IRUSR, S_IXUSR } = constants;

/** As {@link listUpper}; undefined where there is something that its owner, who is not root, may not read. */
export function listOpen(root: RootDirectory): readonly FoundFile[] | undefined {
  try {
    const found = listUpper(root);
    return found.some(isClosed) ? undefined : found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

function isClosed({ stat }: FoundFile): boolean {
  const needed = stat.isDirectory() ? S_IRUSR | S_IXUSR : S_IRUSR;
  return !stat.isSymbolicLink() && !isWhiteout(stat) && (Number(stat.mode) & needed) !== needed;
}

function isWhiteout(stat: FoundFile["stat"]): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

/**
 * The entries of an upper directory, as `upperEntries` gives them, by whoever is root of a user namespace: that one reads all
 * files of this user, as the container does, whatever their modes are. Whose files these are is root there.
 *
 * The content of an entry is to be read before the next entry.
 *
 * @param copied as the option of `upperEntries`
 *
 * @throws OrlopError `unsupported` where there is no unshare(1) or tar(1)
 */
export async function* closedEntries(directory: string, copied?: Set<string>): AsyncGenerator<LayerEntry> {
  const order = ["--sort=name", "--numeric-owner", "--format=pax", "--xattrs", "--xattrs-include=*"];
  const args = ["--user", "--map-root-user", "--", "tar", "--create", ...order, "--directory", directory, "."];
  const { PATH = "" } = process.env;
  const archive = pipeThrough(
    none(),
    { path: "unshare", args, env: { PATH, LC_ALL: "C" } },
    { what: `read "${directory}", in which there are files that their owner may not read` },
  );
  for await (const entry of readTar(archive)) {
    if (isCopied(entry.xattrs)) copied?.add(pathOf(entry.path));
    yield* upperEntry(entry);
  }
}

function* upperEntry(entry: LayerEntry): Generator<LayerEntry> {
  const path = pathOf(entry.path);
  const { kind, device, xattrs } = entry;
  if (kind === "character-device" && device.major === 0 && device.minor === 0) {
    yield markerEntry({ ...entry, path: whiteoutPath(path) });
    return;
  }
  checkName(path);
  const target = kind === "hard-link" ? pathOf(entry.target) : entry.target;
  // A view of the archive, whose content comes as it is asked for.
  yield { ...entry, path: path === "" ? "./" : path, target, xattrs: ownXattrs(xattrs, path) };
  if (kind === "directory" && isOpaque(xattrs))
    yield { ...markerEntry(entry), path: path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq` };
}

/** tar's are relative to the directory, and of directories end with a slash. */
function pathOf(name: string): string {
  return name.replace(/^\.\/?/, "").replace(/\/$/, "");
}

async function* none(): AsyncGenerator<Buffer> {}
