import { constants } from "node:os";
import { type ExitStatus, OrlopError, type Runtime } from "@orlop/core";
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
  /** Only for its removal: no event tells of a stop. */
  readonly isRemoval?: boolean;
}

/** Ends a container's run and records how it ended. The caller holds its lock. */
export async function stopContainer(
  context: EngineContext,
  container: Container,
  { signal = container.stopSignal, timeoutMs = container.stopTimeoutMs, isRemoval = false }: StopOptions,
): Promise<Container> {
  const { id, state } = container;
  const asked = { ...state, isStoppedByUser: true };
  const stopped = isRemoval ? undefined : "stop";
  if (state.status === "restarting") return save(context, container, stopped, { ...asked, status: "exited" });
  if (!isActive(state.status)) return state.isStoppedByUser ? container : save(context, container, undefined, asked);
  const runtime = await context.runtime(container.runtime);
  save(context, container, undefined, asked);
  const tell = (by: number): void => {
    const event = containerEvent(container, "kill", { signal: String(by) });
    context.database.transaction(() => context.events.add(event), { durable: false });
  };
  if (timeoutMs !== 0 && (await isTaken(runtime.signal(id, signal)))) tell(signal);
  // A signal reaches who stands still when he goes on.
  if (state.status === "paused") await runtime.resume(id).catch(ignoreEnded);
  const { exit, isKilled } = await endWithin(runtime, id, timeoutMs);
  if (isKilled) tell(constants.signals.SIGKILL);
  const ended = await recordEnd(context, { ...container, state: asked }, runtime, exit);
  return stopped === undefined ? ended : save(context, ended, stopped, ended.state);
}

interface End {
  /** Undefined where nobody watches over it. */
  readonly exit: ExitStatus | undefined;
  readonly isKilled: boolean;
}

/** How it ended; it is killed when that takes longer. Comes at once where nobody watches over it: then it may run. */
async function endWithin(runtime: Runtime, id: string, timeoutMs: number): Promise<End> {
  let killing: Promise<boolean> | undefined;
  const kill = (): void => {
    killing = isTaken(runtime.signal(id, constants.signals.SIGKILL));
    // Waited for below.
    killing.catch(() => {});
  };
  const timer = timeoutMs < 0 ? undefined : setTimeout(kill, timeoutMs);
  try {
    const exit = await unlessLost(runtime.wait(id));
    return { exit, isKilled: (await killing) === true };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a signal has been sent; what has ended meanwhile takes none, and needs none. */
async function isTaken(sent: Promise<void>): Promise<boolean> {
  try {
    await sent;
    return true;
  } catch (error) {
    ignoreEnded(error);
    return false;
  }
}

/** What has ended meanwhile takes no signal, and needs none. */
export function ignoreEnded(error: unknown): void {
  if (error instanceof OrlopError && (error.code === "conflict" || error.code === "not-found")) return;
  throw error;
}
