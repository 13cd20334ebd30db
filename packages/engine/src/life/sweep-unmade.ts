import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { namesIn } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import { containerDirectory, tryLockContainer, unmadePath } from "../state/container-places.ts";

/**
 * Notes that a container is being made or removed, until the result is disposed of or its lock goes with it: what is there of
 * one without a row is swept up by others.
 */
export function noteUnmade({ directory }: Pick<EngineContext, "directory">, id: string): Disposable {
  const path = unmadePath({ directory }, id);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, "");
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** Removes what is left of containers whose making or removal was cut off by the end of its process. */
export async function sweepUnmade(context: EngineContext): Promise<void> {
  for (const id of namesIn(join(context.directory, "unmade"))) {
    using lock = tryLockContainer(context, id);
    // Somebody is at it.
    if (lock === undefined) continue;
    if (context.rows.get(id) === undefined) {
      await context.roots.discard(id);
      rmSync(containerDirectory(context, id), { recursive: true, force: true });
    }
    rmSync(unmadePath(context, id), { force: true });
  }
}
