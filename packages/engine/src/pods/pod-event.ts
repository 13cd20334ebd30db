import type { EngineEvent } from "../state/event-rows.ts";
import type { Pod } from "./pod-description.ts";

/** The event of something that has happened to a pod. */
export function podEvent({ id, name, labels }: Pod, action: string): Omit<EngineEvent, "number"> {
  return { atMs: Date.now(), type: "pod", action, id, attributes: { ...labels, name } };
}
