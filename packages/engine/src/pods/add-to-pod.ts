import type { EngineContext } from "../engine-context.ts";
import { expectPod } from "./hold-pod.ts";

/** Notes that a container belongs to a pod, within a transaction. @throws OrlopError when the pod is gone or going */
export function addToPod(context: EngineContext, pod: string, container: string): void {
  expectPod(context, pod);
  context.podRows.addMember(pod, container);
}
