import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { statusAfter } from "./container-status.ts";
import { save } from "./settle-container.ts";

/**
 * Has a container stand still, or go on. The caller holds its lock.
 *
 * What is written down first is that it stands still: of those that do, every list asks whether it is so, and of those that run
 * it does not. So a process that is killed in between leaves nothing wrong behind.
 */
export async function freezeContainer(
  context: EngineContext,
  container: Container,
  action: "pause" | "resume",
): Promise<Container> {
  const { id, name, state, runtime: handler } = container;
  const status = statusAfter(action, state.status, name);
  const runtime = await context.runtime(handler);
  if (action === "resume") {
    await runtime.resume(id);
    return save(context, container, "unpause", { ...state, status });
  }
  save(context, container, undefined, { ...state, status });
  try {
    await runtime.pause(id);
  } catch (error) {
    save(context, container, undefined, state);
    throw error;
  }
  return save(context, container, "pause", { ...state, status });
}
