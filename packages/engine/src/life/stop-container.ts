import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { isActive } from "./container-status.ts";
import { recordEnd, save, unlessLost } from "./settle-container.ts";

export interface StopOptions {
  /** Another signal than the container's own. */
  readonly signal?: number;
  /** So long it may take, instead of what the container says; 0: SIGKILL at once, -1: for ever. */
  readonly timeoutMs?: number;
}

/** Ends a container's run and records how it ended. The caller holds its lock. */
export async function stopContainer(
  context: EngineContext,
  container: Container,
  { signal = container.stopSignal, timeoutMs = container.stopTimeoutMs }: StopOptions,
): Promise<Container> {
  const { id, state } = container;
  const asked = { ...state, isStoppedByUser: true };
  if (state.status === "restarting") return save(context, container, "stop", { ...asked, status: "exited" });
  if (!isActive(state.status)) return state.isStoppedByUser ? container : save(context, container, undefined, asked);
  const runtime = await context.runtime(container.runtime);
  save(context, container, undefined, asked);
  const kill = async (by: number): Promise<void> => {
    await runtime.signal(id, by);
    const event = containerEvent(container, "kill", { signal: String(by) });
    context.database.transaction(() => context.events.add(event), { durable: false });
  };
  if (timeoutMs !== 0) await kill(signal).catch(ignoreEnded);
  // A signal reaches who stands still when he goes on.
  if (state.status === "paused") await runtime.resume(id).catch(ignoreEnded);
  const killNow = (): void => void kill(constants.signals.SIGKILL).catch(ignoreEnded);
  const timer = timeoutMs < 0 ? undefined : setTimeout(killNow, timeoutMs);
  const exit = await unlessLost(runtime.wait(id)).finally(() => clearTimeout(timer));
  const ended = await recordEnd(context, { ...container, state: asked }, runtime, exit);
  return save(context, ended, "stop", ended.state);
}

/** What has ended meanwhile takes no signal, and needs none. */
export function ignoreEnded(error: unknown): void {
  if (error instanceof OrlopError && (error.code === "conflict" || error.code === "not-found")) return;
  throw error;
}
