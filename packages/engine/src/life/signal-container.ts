import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { tellAll } from "./container-networks.ts";
import { save } from "./settle-container.ts";

/** Sends a signal to the first process of a container. @throws OrlopError `conflict` when it does not run */
export async function signalContainer(context: EngineContext, container: Container, signal: number): Promise<void> {
  const { id, name, state } = container;
  if (state.status !== "running" && state.status !== "paused") {
    throw new OrlopError("conflict", `Cannot kill container "${name}": container ${id} is not running`);
  }
  const ends = signal === constants.signals.SIGKILL || signal === container.stopSignal;
  if (ends && !container.isTransient) save(context, container, undefined, { ...state, isStoppedByUser: true });
  const runtime = await context.runtime(container.runtime);
  await runtime.signal(id, signal);
  if (state.status === "paused" && signal === constants.signals.SIGKILL) await runtime.resume(id);
  tellAll(context, [containerEvent(container, "kill", { signal: String(signal) })]);
}
