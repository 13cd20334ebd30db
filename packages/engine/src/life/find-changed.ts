import { readdirSync } from "node:fs";
import type { EngineContext } from "../engine-context.ts";
import { streamsDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import { isActive } from "./container-status.ts";
import { pumpMark } from "./container-streams.ts";

/**
 * Those of many containers that may be something else than the database says, and have to be settled. Of most of those that
 * run a glance tells that they still do: a thousand of them take a few milliseconds.
 */
export async function findChanged(
  context: EngineContext,
  containers: readonly Container[],
): Promise<readonly Container[]> {
  const running = Map.groupBy(containers.filter(isGlancedAt), ({ runtime }) => runtime);
  const same = new Set<string>();
  for (const [name, all] of running) {
    const runtime = await context.runtime(name);
    const inits = new Map(all.map(({ id, state }) => [id, state.pid ?? 0]));
    const ended = runtime.mayHaveEnded?.(inits);
    if (ended === undefined) continue;
    for (const id of inits.keys()) if (!ended.has(id)) same.add(id);
  }
  const processes = same.size === 0 ? undefined : new Set(readdirSync("/proc"));
  return containers.filter(({ id, state, log }) => {
    if (!isActive(state.status) && state.status !== "removing") return false;
    const hasPump = (): boolean => processes?.has(pumpMark(streamsDirectory(context, id)).split(".")[1] ?? "") === true;
    return !same.has(id) || (log.driver !== "passthrough" && !hasPump());
  });
}

function isGlancedAt({ state }: Container): boolean {
  return state.status === "running" && state.pid !== undefined;
}
