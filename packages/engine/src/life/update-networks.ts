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
  const [first] = state.endpoints;
  refuseUnknown(container, unpublish, first?.ports ?? network.ports);
  const gone = (first?.ports ?? []).filter((own) => unpublish.some((each) => isMeant(each, own)));
  // One whose number the driver has chosen may be named by that number.
  const isGone = (own: PublishedPort): boolean =>
    unpublish.some((each) => isMeant(each, own)) || (!own.hostPort && gone.some((each) => isMeant(chosen(own), each)));
  const isThere = (port: PublishedPort): boolean =>
    network.ports.some((own) => isMeant(port, own) && isMeant(own, port));
  const ports = [...network.ports.filter((own) => !isGone(own)), ...publish.filter((port) => !isThere(port))];
  const changed = { ...network, ports, ...(egress === undefined ? {} : { egress }) };
  if (first === undefined) return { network: changed, endpoints: [] };
  await using undo = new AsyncDisposableStack();
  const driver = await context.networks();
  if (publish.length > 0) {
    const { ports: more } = await driver.publish(first.network, first.id, publish);
    const added = more.filter((port) => !first.ports.some((own) => isMeant(port, own)));
    undo.defer(async () => void (await driver.unpublish(first.network, first.id, added)));
  }
  if (egress !== undefined) await setEgress(driver, state.endpoints, egress, undo);
  await awaitNames(context, container, await endpointsNow(driver, state.endpoints));
  // Nothing else fails now that would have to be undone, and this could not be.
  if (gone.length > 0) await driver.unpublish(first.network, first.id, gone);
  undo.move();
  const endpoints = await endpointsNow(driver, state.endpoints);
  await writeNames(context, container, endpoints);
  return { network: changed, endpoints };
}

async function setEgress(
  driver: NetworkDriver,
  endpoints: readonly Endpoint[],
  egress: EgressPolicy,
  undo: AsyncDisposableStack,
): Promise<void> {
  for (const { network, id, egress: old } of endpoints) {
    await driver.setEgress(network, id, egress);
    undo.defer(async () => void (await driver.setEgress(network, id, old)));
  }
}

async function endpointsNow(driver: NetworkDriver, endpoints: readonly Endpoint[]): Promise<readonly Endpoint[]> {
  return await Promise.all(endpoints.map(({ network, id }) => driver.endpoint(network, id)));
}

/** @throws OrlopError `not-found` */
function refuseUnknown({ name }: Container, gone: readonly PublishedPort[], known: readonly PublishedPort[]): void {
  const missing = gone.find((each) => !known.some((own) => isMeant(each, own)));
  if (missing === undefined) return;
  const port = `${missing.containerPort}/${missing.protocol}`;
  throw new OrlopError("not-found", `Cannot take back port "${port}" of container "${name}": it is not published`);
}

/** Without the number that says that the driver is to choose. */
function chosen({ hostPort: _, ...port }: PublishedPort): PublishedPort {
  return port;
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
