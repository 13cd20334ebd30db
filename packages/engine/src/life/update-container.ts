import { type EgressPolicy, type LinuxResources, OrlopError, type PublishedPort } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { containerEvent } from "./container-event.ts";
import { isActive } from "./container-status.ts";
import { mergeResources } from "./merge-resources.ts";
import type { RestartPolicy } from "./restart-policy.ts";
import { updateNetworks } from "./update-networks.ts";

/** What of a container can change after it has been made; what is absent stays. */
export interface ContainerChanges {
  readonly resources?: LinuxResources;
  /** Paths of block devices that those are about, by `MAJOR:MINOR`. */
  readonly blockDevices?: Readonly<Record<string, string>>;
  readonly restart?: RestartPolicy;
  /** On all of its networks. */
  readonly egress?: EgressPolicy;
  /** More ports, and fewer, of its first network. */
  readonly publish?: readonly PublishedPort[];
  readonly unpublish?: readonly PublishedPort[];
}

/**
 * Changes a container, at once where it runs. The caller holds its lock.
 *
 * @throws OrlopError; nothing is changed then
 */
export async function updateContainer(
  context: EngineContext,
  container: Container,
  { resources, blockDevices, restart = container.restart, ...networkChanges }: ContainerChanges,
): Promise<Container> {
  const { rows, events, database, runtime } = context;
  if (restart.name !== "no" && container.autoRemove) {
    throw new OrlopError(
      "conflict",
      "Restart policy cannot be updated because AutoRemove is enabled for the container",
    );
  }
  const spec = rows.spec(container.id);
  if (resources !== undefined && isActive(container.state.status)) {
    await (await runtime(container.runtime)).update(container.id, resources);
  }
  // Last of what may fail, because it cannot be undone as easily.
  const { network, endpoints } = await updateNetworks(context, container, networkChanges);
  const changed = {
    ...container,
    restart,
    network,
    ...(blockDevices === undefined
      ? {}
      : { wishes: { ...container.wishes, blockDevices: { ...container.wishes?.blockDevices, ...blockDevices } } }),
    state: { ...container.state, endpoints },
  };
  const { state, health: _health, ...description } = changed;
  database.transaction(() => {
    if (resources !== undefined && spec !== undefined) {
      const linux = { ...spec.linux, resources: mergeResources(spec.linux?.resources ?? {}, resources) };
      rows.setSpec(container.id, { ...spec, linux });
    }
    rows.setDescription(description);
    rows.setState(container.id, state);
    events.add(containerEvent(changed, "update"));
  });
  return changed;
}
