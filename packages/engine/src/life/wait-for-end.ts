import { setTimeout as delay } from "node:timers/promises";
import type { EngineContext } from "../engine-context.ts";
import { lockContainer } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import { isActive } from "./container-status.ts";
import { settleContainer, unlessLost } from "./settle-container.ts";

/** So often it is asked whether a container still runs that nobody watches over: its reaper was killed. */
const LOST_LOOK_MS = 250;

/** Resolves with the exit code of a container's run once there is none any more; at once where none is. */
export async function waitForEnd(
  context: EngineContext,
  container: Container,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { id } = container;
  const runtime = await context.runtime(container.runtime);
  if (container.isTransient) {
    return (await unlessLost(runtime.wait(id, signal && { signal })))?.exitCode ?? 0;
  }
  for (;;) {
    const known = context.rows.get(id);
    if (known === undefined) return recordedExitCode(context, id);
    if (!isActive(known.state.status)) return known.state.exitCode;
    const exit = await unlessLost(runtime.wait(id, signal && { signal }));
    const settled = await settleLocked(context, id, signal);
    if (exit !== undefined) return exit.exitCode;
    if (settled === undefined) continue;
    if (!isActive(settled.state.status)) return settled.state.exitCode;
    await delay(LOST_LOOK_MS, undefined, signal && { signal });
  }
}

async function settleLocked(context: EngineContext, id: string, signal?: AbortSignal): Promise<Container | undefined> {
  using _lock = await lockContainer(context, id, signal);
  const found = context.rows.get(id);
  return found && (await settleContainer(context, found));
}

/** Of one that was removed meanwhile: what the last of its events says. */
function recordedExitCode({ events }: EngineContext, id: string): number {
  const ends = events.after(0).filter((event) => event.id === id && event.action === "die");
  return Number(ends.at(-1)?.attributes.exitCode ?? 0);
}
