import { type Endpoint, OrlopError, type Runtime } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { NetworkAttachment } from "../state/container-description.ts";
import type { Container } from "../state/container-rows.ts";
import { awaitNames } from "./await-names.ts";
import { connectOne, tellNeighbours, writeNames } from "./container-networks.ts";
import { isActive } from "./container-status.ts";

/** Connects a container with one more network. The caller holds its lock. */
export async function attachNetwork(
  context: EngineContext,
  container: Container,
  attachment: NetworkAttachment,
): Promise<void> {
  const { id, name, network, state } = container;
  if (network.kind === "host" || network.kind === "container" || network.kind === "pod") {
    const what = `its network is ${WHOSE[network.kind]}`;
    throw new OrlopError("conflict", `Cannot connect container "${name}": ${what}`);
  }
  const driver = await context.networks();
  const info = await driver.inspect(attachment.network);
  const known = network.kind === "networks" ? network.attachments : [];
  const isOn = known.some((each) => each.network === info.name || each.network === info.id);
  if (isOn)
    throw new OrlopError("conflict", `Cannot connect container "${name}": it is on network "${info.name}" already`);
  const named = { ...attachment, network: info.name };
  const runtime = isActive(state.status) ? await context.runtime(container.runtime) : undefined;
  const attachments = [...known, named];
  const { state: _state, health: _health, ...description } = container;
  const all = network.kind === "networks" ? network : { kind: "networks" as const, ports: [] };
  // Written down first: the end of a container takes it off the networks that it is known to be on.
  context.database.transaction(() => context.rows.setDescription({ ...description, network: { ...all, attachments } }));
  const added = await connectIfActive(context, container, named, runtime, known.length === 0);
  context.database.transaction(() =>
    context.rows.setState(id, { ...state, endpoints: [...state.endpoints, ...added] }),
  );
  if (added.length === 0) return;
  await awaitNames(context, container, added);
  await writeNames(context, container, [...state.endpoints, ...added]);
  await tellNeighbours(context, container);
}

/** @throws OrlopError; it is not on the network then */
async function connectIfActive(
  context: EngineContext,
  container: Container,
  attachment: NetworkAttachment,
  runtime: Runtime | undefined,
  isFirst: boolean,
): Promise<readonly Endpoint[]> {
  if (runtime === undefined) return [];
  const driver = await context.networks();
  try {
    const { pid } = await runtime.state(container.id);
    return [await connectOne(driver, container, attachment, pid, isFirst ? { ports: [] } : undefined)];
  } catch (error) {
    const { state: _state, health: _health, ...description } = container;
    // What cannot be taken back now is when the container ends.
    await driver.disconnect(attachment.network, container.id).catch(() => {});
    context.database.transaction(() => context.rows.setDescription(description));
    throw error;
  }
}

/** Takes a container off a network. The caller holds its lock. */
export async function detachNetwork(context: EngineContext, container: Container, text: string): Promise<void> {
  const { id, name, network, state } = container;
  const driver = await context.networks();
  const info = await driver.inspect(text);
  const isMeant = (each: string): boolean => each === info.name || each === info.id;
  const known = network.kind === "networks" ? network.attachments : [];
  if (network.kind !== "networks" || !known.some((each) => isMeant(each.network))) {
    throw new OrlopError("conflict", `Cannot disconnect container "${name}": it is not on network "${info.name}"`);
  }
  await driver.disconnect(info.id, id);
  const attachments = known.filter((each) => !isMeant(each.network));
  const endpoints = state.endpoints.filter((endpoint) => endpoint.network !== info.id);
  const { state: _state, health: _health, ...description } = container;
  context.database.transaction(() => {
    const isLast = attachments.length === 0;
    context.rows.setDescription({
      ...description,
      network: isLast && network.egress === undefined ? { kind: "none" } : { ...network, attachments },
    });
    context.rows.setState(id, { ...state, endpoints });
  });
  if (isActive(state.status)) await writeNames(context, container, endpoints);
  await tellNeighbours(context, container);
}

const WHOSE = { host: "this machine's", container: "another container's", pod: "its pod's" } as const;
