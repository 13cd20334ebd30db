import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { EngineContext } from "../engine-context.ts";
import { containerDirectory, tryLockContainer } from "../state/container-places.ts";

/** Removes what is left of containers whose making was cut off by the end of its process. */
export async function sweepUnmade(context: EngineContext): Promise<void> {
  for (const id of namesIn(join(context.directory, "containers"))) {
    if (context.rows.get(id) !== undefined) continue;
    using lock = tryLockContainer(context, id);
    // Somebody is at it; or it has come about since.
    if (lock === undefined || context.rows.get(id) !== undefined) continue;
    await context.roots.discard(id);
    rmSync(containerDirectory(context, id), { recursive: true, force: true });
  }
}

/** None where nobody has made the directory yet. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
