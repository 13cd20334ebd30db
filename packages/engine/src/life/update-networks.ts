import { type EgressPolicy, type Endpoint, type NetworkDriver, OrlopError, type PublishedPort } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { ContainerNetwork } from "../state/container-description.ts";
import type { Container } from "../state/container-rows.ts";
import { awaitNames } from "./await-names.ts";
import { writeNames } from "./container-networks.ts";
import type { ContainerChanges } from "./update-container.ts";

type NetworkChanges = Pick<ContainerChanges, "egress" | "publish" | "unpublish">;

interface ChangedNetworks {
  readonly network: ContainerNetwork;
  readonly endpoints: readonly Endpoint[];
}

/** Changes what a container has of its networks, at once where it is connected. */
export async function updateNetworks(
  context: EngineContext,
  container: Container,
  { egress, publish = [], unpublish = [] }: NetworkChanges,
): Promise<ChangedNetworks> {
  const { name, network, state } = container;
  if (egress === undefined && publish.length === 0 && unpublish.length === 0) {
    return { network, endpoints: state.endpoints };
  }
  if (network.kind !== "networks") {
    throw new OrlopError("conflict", `Cannot update networks of container "${name}": it is on none`);
  }
  let ports = network.ports.filter((own) => !unpublish.some((gone) => isMeant(gone, own)));
  ports = [...ports, ...publish];
  const driver = await context.networks();
  const changed = { ...network, ports, ...(egress === undefined ? {} : { egress }) };
  let { endpoints } = state;
  if (endpoints.length > 0) {
    if (egress !== undefined) endpoints = await setEgress(driver, endpoints, egress);
    endpoints = await changePorts(driver, container, endpoints, { publish, unpublish });
    await awaitNames(context, container, endpoints);
    await writeNames(context, container, endpoints);
  } else refuseUnknown(container, unpublish, network.ports);
  return { network: changed, endpoints };
}

async function setEgress(
  driver: NetworkDriver,
  endpoints: readonly Endpoint[],
  egress: EgressPolicy,
): Promise<readonly Endpoint[]> {
  const changed: Endpoint[] = [];
  try {
    for (const { network, id } of endpoints) changed.push(await driver.setEgress(network, id, egress));
    return changed;
  } catch (error) {
    for (const [index, { network, id }] of changed.entries()) {
      await driver.setEgress(network, id, endpoints[index]?.egress ?? "all");
    }
    throw error;
  }
}

async function changePorts(
  driver: NetworkDriver,
  container: Container,
  endpoints: readonly Endpoint[],
  { publish, unpublish }: Required<Pick<NetworkChanges, "publish" | "unpublish">>,
): Promise<readonly Endpoint[]> {
  const [first, ...others] = endpoints;
  if (first === undefined) return endpoints;
  refuseUnknown(container, unpublish, first.ports);
  const { network, id } = first;
  const gone = first.ports.filter((own) => unpublish.some((each) => isMeant(each, own)));
  let changed = publish.length === 0 ? first : await driver.publish(network, id, publish);
  if (gone.length > 0) changed = await driver.unpublish(network, id, gone);
  return [changed, ...others];
}

/** @throws OrlopError `not-found` */
function refuseUnknown({ name }: Container, gone: readonly PublishedPort[], known: readonly PublishedPort[]): void {
  const missing = gone.find((each) => !known.some((own) => isMeant(each, own)));
  if (missing === undefined) return;
  const port = `${missing.containerPort}/${missing.protocol}`;
  throw new OrlopError("not-found", `Cannot take back port "${port}" of container "${name}": it is not published`);
}

/** Whether what somebody says of a port is about it: what is not said may be anything. */
function isMeant(said: PublishedPort, own: PublishedPort): boolean {
  return (
    said.protocol === own.protocol &&
    said.containerPort === own.containerPort &&
    (said.count ?? 1) === (own.count ?? 1) &&
    (said.hostPort === undefined || said.hostPort === own.hostPort) &&
    (said.hostAddress === undefined || said.hostAddress === own.hostAddress)
  );
}
