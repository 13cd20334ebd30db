import { renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { syncPath } from "./sync-path.ts";

/** Writes a small file that is there in whole or not at all, and is on the disk afterwards. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  {
    await using file = await open(partial, "w", 0o600);
    await file.writeFile(text);
    await file.sync();
  }
  renameSync(partial, path);
  await syncPath(dirname(path));
}
