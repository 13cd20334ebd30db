import { rmSync } from "node:fs";
import { join } from "node:path";
import { namesIn } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import { podDirectory, tryLockPod } from "./pod-places.ts";

/** Removes what is left of pods whose making was cut off by the end of its process. */
export function sweepUnmadePods(context: EngineContext): void {
  for (const id of namesIn(join(context.directory, "pods"))) {
    if (context.podRows.get(id) !== undefined) continue;
    using lock = tryLockPod(context, id);
    // Somebody is at it; or it has come about since.
    if (lock === undefined || context.podRows.get(id) !== undefined) continue;
    rmSync(podDirectory(context, id), { recursive: true, force: true });
  }
}
