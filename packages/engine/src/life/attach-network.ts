import { OrlopError } from "@orlop/core";
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
  const pid = (await runtime?.state(id))?.pid;
  const added =
    runtime === undefined
      ? []
      : [await connectOne(driver, container, named, pid, known.length === 0 ? { ports: [] } : undefined)];
  const attachments = [...known, named];
  const { state: _state, health: _health, ...description } = container;
  context.database.transaction(() => {
    const all = network.kind === "networks" ? network : { kind: "networks" as const, ports: [] };
    context.rows.setDescription({ ...description, network: { ...all, attachments } });
    context.rows.setState(id, { ...state, endpoints: [...state.endpoints, ...added] });
  });
  if (added.length === 0) return;
  await awaitNames(context, container, added);
  await writeNames(context, container, [...state.endpoints, ...added]);
  await tellNeighbours(context, container);
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
