import { type LinuxResources, OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { isActive } from "./container-status.ts";
import { mergeResources } from "./merge-resources.ts";
import type { RestartPolicy } from "./restart-policy.ts";

/** What of a container can change after it has been made; what is absent stays. */
export interface ContainerChanges {
  readonly resources?: LinuxResources;
  readonly restart?: RestartPolicy;
}

/**
 * Changes a container, at once where it runs. The caller holds its lock.
 *
 * @throws OrlopError; nothing is changed then
 */
export async function updateContainer(
  { rows, events, database, runtime }: EngineContext,
  container: Container,
  { resources, restart = container.restart }: ContainerChanges,
): Promise<Container> {
  const { state, ...description } = container;
  if (restart.name !== "no" && container.autoRemove) {
    throw new OrlopError(
      "conflict",
      "Restart policy cannot be updated because AutoRemove is enabled for the container",
    );
  }
  const spec = rows.spec(container.id);
  if (resources !== undefined && isActive(state.status)) {
    await (await runtime(container.runtime)).update(container.id, resources);
  }
  const changed = { ...container, restart };
  database.transaction(() => {
    if (resources !== undefined && spec !== undefined) {
      const linux = { ...spec.linux, resources: mergeResources(spec.linux?.resources ?? {}, resources) };
      rows.setSpec(container.id, { ...spec, linux });
    }
    rows.setDescription({ ...description, restart });
    events.add(containerEvent(changed, "update"));
  });
  return changed;
}
