import { isOpaque, withoutOverlays } from "../layer/overlay-xattrs.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import { closedEntries, listOpen } from "./closed-entries.ts";
import type { FileFacts } from "./file-facts.ts";
import { listUpper } from "./list-upper.ts";
import { RootDirectory } from "./root-directory.ts";
import type { UpperOptions } from "./upper-entries.ts";

/** Of an upper directory of overlay, once nobody writes to it any more. Options are as for `upperEntries`. */
export async function upperFacts(
  directory: string,
  { system, scratch, ownIsRoot = false }: UpperOptions,
): Promise<FileFacts> {
  using root = new RootDirectory(directory);
  const files = ownIsRoot ? listOpen(root) : listUpper(root);
  if (files === undefined) return await closedFacts(directory);
  const paths = files.map(({ path }) => (path === "" ? "." : path));
  const opaque = new Set<string>();
  const xattrs = new Map<string, ReadonlyMap<string, Buffer>>();
  for (const [found, all] of await readXattrs(system, directory, paths, scratch)) {
    const path = found === "." ? "" : found;
    if (isOpaque(all)) opaque.add(path);
    const own = withoutOverlays(all);
    if (own.size > 0) xattrs.set(path, own);
  }
  return { opaque, xattrs };
}

async function closedFacts(directory: string): Promise<FileFacts> {
  const opaque = new Set<string>();
  const xattrs = new Map<string, ReadonlyMap<string, Buffer>>();
  for await (const { path, xattrs: own } of closedEntries(directory)) {
    const [, hiding] = /^(.*?)\/?\.wh\.\.wh\.\.opq$/s.exec(path) ?? [];
    if (hiding !== undefined) opaque.add(hiding);
    if (own.size > 0) xattrs.set(path === "./" ? "" : path, own);
  }
  return { opaque, xattrs };
}
