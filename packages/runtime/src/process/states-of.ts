import type { OrlopError, State } from "@orlop/core";
import { ContainerDirectory } from "./container-directory.ts";

/** States of all containers below a directory, without those that are deleted meanwhile. */
export async function statesOf(root: string, stateOf: (id: string) => Promise<State>): Promise<readonly State[]> {
  const states = await Promise.allSettled(ContainerDirectory.list(root).map(stateOf));
  return states.flatMap((state) => {
    if (state.status === "fulfilled") return [state.value];
    // Deleted since it was listed.
    if ((state.reason as OrlopError).code === "not-found") return [];
    throw state.reason;
  });
}
