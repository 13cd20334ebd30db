import { OrlopError } from "@orlop/core";
import { type Container, isActive } from "@orlop/engine";
import { openRuntime } from "../run/open-runtime.ts";
import { parseRuntime } from "../run/runtime-choice.ts";

interface PauseOptions {
  readonly stateDirectory: string;
  /** Called instead of failing where containers cannot be paused here; absent: it fails. */
  readonly onFailure?: (error: OrlopError) => void;
}

/** Does something while a container's processes stand still; afterwards they are what they were before. */
export async function whilePaused<T>(
  { id, runtime: name, state }: Container,
  { stateDirectory, onFailure }: PauseOptions,
  work: () => Promise<T>,
): Promise<T> {
  // Nothing of one that has ended moves.
  if (!isActive(state.status)) return await work();
  using open = await openRuntime(parseRuntime(name), stateDirectory, "ignore");
  const { runtime } = open;
  const { status } = await runtime.state(id);
  // One that was paused before stays so.
  if (status !== "running") return await work();
  try {
    await runtime.pause(id);
  } catch (error) {
    if (onFailure === undefined || !(error instanceof OrlopError)) throw error;
    onFailure(error);
    return await work();
  }
  try {
    return await work();
  } finally {
    await runtime.resume(id);
  }
}
