import { readlinkSync } from "node:fs";
import { join, posix } from "node:path";

/** As many as the kernel follows: MAXSYMLINKS, include/linux/namei.h. */
const LINKS_MAX = 40;

/**
 * Where an absolute path leads in a tree that has its own root: links are followed as they are seen from inside. For names
 * alone: whoever owns the tree may change it at any time.
 */
export function resolveInRoot(root: string, path: string): string {
  let resolved = "/";
  const left = path.split("/");
  for (let links = 0; left.length > 0; ) {
    const next = posix.resolve(resolved, left.shift() ?? "");
    const target = links < LINKS_MAX ? linkTarget(join(root, next)) : undefined;
    if (target === undefined) {
      resolved = next;
      continue;
    }
    links++;
    left.unshift(...target.split("/"));
    if (target.startsWith("/")) resolved = "/";
  }
  return resolved;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
