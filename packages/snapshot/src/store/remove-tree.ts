import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes a directory, also where a layer has taken from its owner, who is not root, the right to write in it. */
export async function removeTree(path: string): Promise<void> {
  if (removeFew(path)) return;
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    await openDirectories(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** So much is removed without another thread, which takes a container that wrote little a tenth of the time. */
const FEW = 32;
const SMALL_BYTES = 64 * 1024;

/** Removes what is few and small; false where that is not all, or where it does not work. */
function removeFew(directory: string): boolean {
  let left = FEW;
  const remove = (path: string): boolean => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const name = join(path, entry.name);
      if (left-- === 0) return false;
      if (entry.isDirectory()) {
        if (!remove(name)) return false;
      } else {
        if (lstatSync(name).size > SMALL_BYTES) return false;
        unlinkSync(name);
      }
    }
    rmdirSync(path);
    return true;
  };
  try {
    return remove(directory);
  } catch {
    return false;
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
