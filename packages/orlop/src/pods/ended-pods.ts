import { type Engine, type Pod, podStatus } from "@orlop/engine";

/** Ids of the pods that a prune removes: those that have ended, and those that nothing has ever been in. */
export async function endedPods(
  pods: Pick<Engine["pods"], "list">,
  suits: (pod: Pod) => boolean = () => true,
): Promise<readonly string[]> {
  return (await pods.list()).flatMap(({ pod, members }) => {
    const status = podStatus(pod, members);
    const isEnded = status === "Exited" || (status === "Created" && members.length === 0);
    return isEnded && suits(pod) ? [pod.id] : [];
  });
}
