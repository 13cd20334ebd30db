import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The paths of everything below a directory, relative to it, parents first. Never through a link: Node's own recursive
 * `readdir` follows one from a container's /dev/fd into this process's descriptors.
 */
export function* walkTree(root: string, below = ""): Generator<string> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    yield path;
    if (entry.isDirectory()) yield* walkTree(root, path);
  }
}
