import { OrlopError, unlessMissing } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { tellAll } from "./container-networks.ts";
import { statusAfter } from "./container-status.ts";
import type { ContainerChanges } from "./update-container.ts";

/** A container that no database knows, as it is now: whether it stands still is written nowhere else. */
export async function transientNow(context: EngineContext, container: Container): Promise<Container> {
  const runtime = await context.runtime(container.runtime);
  const found = await unlessMissing(runtime.state(container.id));
  // Before and after that its own command makes and removes it.
  if (found?.status !== "running" && found?.status !== "paused") return container;
  const { status, pid } = found;
  return { ...container, state: { ...container.state, status, pid } };
}

/** Has it stand still, or go on. @throws OrlopError `conflict` where it does so already */
export async function freezeTransient(
  context: EngineContext,
  container: Container,
  action: "pause" | "resume",
): Promise<Container> {
  const { id, name, state } = container;
  const status = statusAfter(action, state.status, name);
  const runtime = await context.runtime(container.runtime);
  await (action === "pause" ? runtime.pause(id) : runtime.resume(id));
  tellAll(context, [containerEvent(container, action === "pause" ? "pause" : "unpause")]);
  return { ...container, state: { ...state, status } };
}

/** Of it there is nothing to change but what the kernel keeps: limits. @throws OrlopError `conflict` */
export async function updateTransient(
  context: EngineContext,
  container: Container,
  { resources, restart, egress, publish = [], unpublish = [] }: ContainerChanges,
): Promise<Container> {
  if (restart !== undefined || egress !== undefined || publish.length + unpublish.length > 0) {
    throw boundToCommand("change", container);
  }
  if (resources !== undefined) await (await context.runtime(container.runtime)).update(container.id, resources);
  tellAll(context, [containerEvent(container, "update")]);
  return container;
}

/** Why something cannot be done with one: it is its command's, and goes with it. */
export function boundToCommand(action: string, { name }: Pick<Container, "name">): OrlopError {
  const why = 'it is of an "orlop run --rm" in the foreground, and ends with that';
  return new OrlopError("conflict", `Cannot ${action} container "${name}": ${why}\nTry orlop run -d --rm.`);
}
