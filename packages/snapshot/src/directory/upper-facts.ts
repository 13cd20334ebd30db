import { isOpaque, withoutOverlays } from "../layer/overlay-xattrs.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import type { FileFacts } from "./file-facts.ts";
import { listUpper } from "./list-upper.ts";
import { RootDirectory } from "./root-directory.ts";

/** Of an upper directory of overlay, once nobody writes to it any more. `scratch` is as for `readXattrs`. */
export async function upperFacts(
  directory: string,
  { system, scratch }: { readonly system: SystemCalls; readonly scratch: string },
): Promise<FileFacts> {
  using root = new RootDirectory(directory);
  const paths = listUpper(root).map(({ path }) => (path === "" ? "." : path));
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
