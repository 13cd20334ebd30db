import type { EngineContext } from "../../engine-context.ts";
import type { PodDescription } from "../pod-description.ts";
import { BoundNamespaces } from "./bound-namespaces.ts";
import type { PodNamespaces } from "./pod-namespaces.ts";
import { ProcessNamespaces } from "./process-namespaces.ts";

/** What holds namespaces here: files wherever that can be, and a small process where it cannot. */
export function openPodNamespaces(
  context: Pick<EngineContext, "runtime" | "directory" | "stateDirectory">,
  rootless: boolean,
): PodNamespaces {
  const [files, process] = [new BoundNamespaces(context), new ProcessNamespaces(context, rootless)];
  const of = ({ share }: PodDescription): PodNamespaces => (rootless || share.includes("pid") ? process : files);
  return {
    hold: (pod, parent) => of(pod).hold(pod, parent),
    find: (pod) => of(pod).find(pod),
    release: (pod) => of(pod).release(pod),
  };
}
