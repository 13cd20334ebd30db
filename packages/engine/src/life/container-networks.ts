import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Endpoint,
  type HeldUserNamespace,
  type HostsEntry,
  type NetworkDriver,
  OrlopError,
  type PublishedPort,
  type Resolvers,
  shortId,
} from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { writePodNames } from "../pods/pod-names.ts";
import type { NetworkAttachment } from "../state/container-description.ts";
import { boundFiles } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import type { NewEvent } from "../state/event-rows.ts";
import { addedHosts, hostsText, resolversText } from "./name-files.ts";

/** Held while something is made that is to be connected with networks; undefined where it may be made anywhere. */
export async function holdUserNamespace(
  context: Pick<EngineContext, "networks">,
  network: Container["network"],
): Promise<HeldUserNamespace | undefined> {
  if (network.kind !== "networks") return undefined;
  const driver = await context.networks();
  return await driver.holdUserNamespace?.(network.attachments.map((attachment) => attachment.network));
}

/** Connects one that has been made and not started, and writes down for it who it is and who the others are. */
export async function connectNetworks(
  context: EngineContext,
  container: Container,
  pid: number | undefined,
): Promise<readonly Endpoint[]> {
  const { network } = container;
  if (network.kind !== "networks") return [];
  const driver = await context.networks();
  const endpoints: Endpoint[] = [];
  for (const [index, attachment] of network.attachments.entries()) {
    endpoints.push(await connectOne(driver, container, attachment, pid, index === 0 ? network : undefined));
  }
  await writeNames(context, container, endpoints);
  return endpoints;
}

/** @param first has the ports of its first network, which has the way out; absent: it is a further one */
export async function connectOne(
  driver: NetworkDriver,
  { id, name, names, network: all }: Container,
  { network, aliases, addresses, hardwareAddress }: NetworkAttachment,
  pid: number | undefined,
  first: { readonly ports: readonly PublishedPort[] } | undefined,
): Promise<Endpoint> {
  if (pid === undefined) {
    throw new OrlopError("unsupported", `Cannot connect container "${name}": its runtime has no network namespace`);
  }
  return await driver.connect({
    network,
    endpoint: id,
    namespace: { path: `/proc/${pid}/ns/net` },
    names: [...new Set([name, shortId(id), names.hostname, ...aliases])],
    ...(first === undefined ? { noDefaultRoute: true } : { ports: first.ports }),
    ...(all.kind === "networks" && all.egress !== undefined ? { egress: all.egress } : {}),
    ...(addresses === undefined ? {} : { addresses }),
    ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
  });
}

/** Of a container that runs no more; those it has not are no error. */
export async function disconnectNetworks(context: EngineContext, container: Container): Promise<void> {
  tellAll(context, await leaveNetworks(context, container));
}

/** The same, and what it comes to is the caller's to tell. */
export async function leaveNetworks(context: EngineContext, container: Container): Promise<readonly NewEvent[]> {
  const left = await disconnectAll(context, container);
  if (left !== undefined) await tellNeighbours(context, container);
  return left ?? [];
}

export function tellAll({ database, events }: EngineContext, told: readonly NewEvent[]): void {
  if (told.length === 0) return;
  database.transaction(
    () => {
      for (const event of told) events.add(event);
    },
    { durable: false },
  );
}

/** Takes a container or a pod off all networks that it wants or is on; undefined where there are none. */
export async function disconnectAll(
  context: EngineContext,
  { id, network, state }: Pick<Container, "id" | "network"> & { readonly state: Pick<Container["state"], "endpoints"> },
): Promise<readonly NewEvent[] | undefined> {
  const asked = network.kind === "networks" ? network.attachments.map((attachment) => attachment.network) : [];
  const wanted = new Set([...asked, ...state.endpoints.map((endpoint) => endpoint.network)]);
  if (wanted.size === 0) return undefined;
  const left: NewEvent[] = [];
  const driver = await context.networks();
  for (const each of wanted) {
    try {
      const event = await driver.leave(each, id);
      if (event !== undefined) left.push(event);
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      // The network itself has been removed.
      if (error.code === "not-found") continue;
      // The driver has it written down for its next clean-up. An end that has come, and whoever is the first to see it, cannot be
      // held up by programs of others.
      context.warn?.(`${shortId(id)} is not off its networks yet: ${error.message}`);
    }
  }
  return left;
}

/** Writes anew what the others on a container's networks know of names. */
export async function tellNeighbours(context: EngineContext, { id, state }: Container): Promise<void> {
  const own = context.rows.get(id)?.state.endpoints ?? [];
  const networks = new Set([...own, ...state.endpoints].map(({ network }) => network));
  await tellNetworks(context, networks, id);
}

/** The same for whatever has changed on networks. */
export async function tellNetworks(context: EngineContext, networks: ReadonlySet<string>, id: string): Promise<void> {
  if (networks.size === 0) return;
  for (const other of context.rows.unsettled()) {
    const { endpoints } = other.state;
    if (other.id === id || !endpoints.some(({ network }) => networks.has(network))) continue;
    await writeNames(context, other, endpoints);
  }
  for (const pod of context.podRows.running()) {
    const { endpoints } = pod.state;
    if (pod.id === id || !endpoints.some(({ network }) => networks.has(network))) continue;
    await writePodNames(context, pod, endpoints);
  }
}

/** In place: the files are bound into the container. */
export async function writeNames(
  context: EngineContext,
  { id, names }: Container,
  endpoints: readonly Endpoint[],
): Promise<void> {
  const directory = boundFiles(context, id);
  if (!existsSync(directory)) return;
  const driver = await context.networks();
  const entries: HostsEntry[] = [];
  for (const { network } of endpoints) entries.push(...(await driver.hostsEntries(network)));
  const own = endpoints.flatMap(({ addresses }) => addresses.map((address) => address.replace(/\/.*$/, "")));
  const others = entries.filter(({ address }) => !own.includes(address));
  const added = addedHosts(names, endpoints.flatMap(({ gateways }) => gateways)[0]);
  writeFileSync(join(directory, "hosts"), hostsText(names, own, [...added, ...others]));
  writeFileSync(join(directory, "resolv.conf"), resolversText(names, mergeResolvers(endpoints)));
}

/** What several networks say of names, taken together. */
export function mergeResolvers(endpoints: readonly Endpoint[]): Resolvers {
  const all = (pick: (resolvers: Resolvers) => readonly string[]): readonly string[] => [
    ...new Set(endpoints.flatMap(({ resolvers }) => pick(resolvers))),
  ];
  return {
    servers: all(({ servers }) => servers),
    search: all(({ search }) => search),
    options: all(({ options }) => options),
  };
}
