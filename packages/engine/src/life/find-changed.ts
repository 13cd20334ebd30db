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
  const active = containers.filter(({ state }) => isActive(state.status) || state.status === "removing");
  const ended = new Map<string, ReadonlySet<string> | undefined>();
  for (const [name, inits] of initsByRuntime(active)) {
    ended.set(name, (await context.runtime(name)).mayHaveEnded?.(inits));
  }
  return active.filter((container) => {
    const runs = isGlancedAt(container) && ended.get(container.runtime)?.has(container.id) === false;
    return !runs || (container.log.driver !== "passthrough" && !hasPump(context, container));
  });
}

function initsByRuntime(containers: readonly Container[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const all = new Map<string, Map<string, number>>();
  for (const container of containers) {
    if (!isGlancedAt(container)) continue;
    const inits = all.get(container.runtime) ?? new Map<string, number>();
    if (inits.size === 0) all.set(container.runtime, inits);
    inits.set(container.id, container.state.pid ?? 0);
  }
  return all;
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
