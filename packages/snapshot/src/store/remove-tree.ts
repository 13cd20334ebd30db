import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes a directory, also where a layer has taken from its owner, who is not root, the right to write in it. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    await openDirectories(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** The failed attempt can still be removing what it can, beside this. */
async function openDirectories(path: string): Promise<void> {
  try {
    await chmod(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await openDirectories(join(path, entry.name));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
