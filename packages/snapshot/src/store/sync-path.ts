import { open } from "node:fs/promises";

/** Makes a file, or which names a directory has, durable. */
export async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
