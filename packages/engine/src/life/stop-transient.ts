import { constants } from "node:os";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { tellAll } from "./container-networks.ts";
import { ignoreEnded, type StopOptions } from "./stop-container.ts";
import { waitForEnd } from "./wait-for-end.ts";

/** Ends a container that no database knows. Its own command removes it. */
export async function stopTransient(
  context: EngineContext,
  container: Container,
  { signal = container.stopSignal, timeoutMs = container.stopTimeoutMs, isRemoval = false }: StopOptions,
): Promise<Container> {
  const { id, state } = container;
  const runtime = await context.runtime(container.runtime);
  const ended = waitForEnd(context, container, undefined);
  const send = async (by: number): Promise<void> => {
    const tell = (): void => tellAll(context, [containerEvent(container, "kill", { signal: String(by) })]);
    await runtime.signal(id, by).then(tell, ignoreEnded);
    // What stands still does not end.
    if (state.status === "paused") await runtime.resume(id).catch(ignoreEnded);
  };
  if (timeoutMs !== 0) await send(signal);
  const kill = (): void => void send(constants.signals.SIGKILL).catch(() => {});
  const timer = timeoutMs < 0 ? undefined : setTimeout(kill, timeoutMs);
  try {
    const exitCode = await ended;
    if (!isRemoval) tellAll(context, [containerEvent(container, "stop")]);
    return { ...container, state: { ...state, status: "exited", exitCode } };
  } finally {
    clearTimeout(timer);
  }
}
