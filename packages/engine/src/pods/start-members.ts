import { OrlopError } from "@orlop/core";
import type { Container } from "../state/container-rows.ts";
import type { PodContainers } from "./pods.ts";
import { refuseFailures } from "./with-members.ts";

/**
 * Starts the containers of a pod that do not run, those made first first. Before them those that only prepare for the others
 * run, one after the other, each to its end; not so when some of the others run already.
 *
 * @throws OrlopError when one that prepares fails; or for others that could not be started, when all have been tried
 */
export async function startMembers(pod: string, members: readonly Container[], engine: PodContainers): Promise<void> {
  const inOrder = members.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  const main = inOrder.filter((member) => member.pod?.init !== true);
  const isUnderWay = main.some(({ state }) => state.status === "running" || state.status === "paused");
  const first = isUnderWay ? [] : inOrder.filter((member) => member.pod?.init === true);
  for (const { id, name } of first) {
    await engine.start(id);
    const exitCode = await engine.wait(id);
    if (exitCode === 0) continue;
    const what = `container "${name}", which prepares for the others, ended with exit code ${exitCode}`;
    throw new OrlopError("failed", `Cannot start pod "${pod}": ${what}\nTry orlop logs ${name}`);
  }
  const failures: { readonly name: string; readonly error: unknown }[] = [];
  for (const { id, name, state } of main) {
    if (state.status === "paused") continue;
    try {
      await engine.start(id);
    } catch (error) {
      failures.push({ name, error });
    }
  }
  refuseFailures("start", pod, failures);
}
