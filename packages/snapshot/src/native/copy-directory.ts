import { SystemCalls } from "../system/system-calls.ts";
import { copyTree } from "./copy-tree.ts";

/**
 * Copies a directory, which nobody writes to meanwhile, to one that is not there yet, with all that files have: owners (as
 * root), modes, times, extended attributes, hard links and holes.
 *
 * @param scratch path of a file that is not there, and will not be afterwards
 */
export async function copyDirectory(from: string, to: string, scratch: string): Promise<void> {
  using system = new SystemCalls();
  await copyTree(from, to, { system, scratch, keepOwners: process.geteuid?.() === 0 });
}
