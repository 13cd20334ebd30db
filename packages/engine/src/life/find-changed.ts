import { isProcessThere } from "@orlop/kernel";
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
  return containers.filter((container) => {
    const { id, state, log } = container;
    if (!isActive(state.status) && state.status !== "removing") return false;
    return !same.has(id) || (log.driver !== "passthrough" && !hasPump(context, container));
  });
}

function isGlancedAt({ state }: Container): boolean {
  return state.status === "running" && state.pid !== undefined;
}

/** By containers as lists have them, which are the same objects as long as nothing of them has changed: that saves a link each. */
const pumps = new WeakMap<Container, number>();

/** Whether somebody writes its log, as far as a number tells. */
function hasPump(context: EngineContext, container: Container): boolean {
  if (isProcessThere(pumps.get(container) ?? 0)) return true;
  const pid = Number(pumpMark(streamsDirectory(context, container.id)).split(".")[1] ?? 0);
  pumps.set(container, pid);
  return isProcessThere(pid);
}
