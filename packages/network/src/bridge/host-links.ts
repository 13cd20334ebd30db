import { OrlopError } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { formatHardwareAddress, parseIpPrefix, type RelayNamespace } from "@orlop/kernel/netlink";
import { addAddress, changeLink, createLink, deleteLink, getLink, type Link, listLinks } from "@orlop/kernel/rtnetlink";
import type { NetworkRecord } from "../records/network-records.ts";
import { bridgeOptionsOf } from "./bridge-options.ts";

const HARDWARE_ADDRESS_BYTES = 6;
/** IEEE 802: not a group's, and chosen here. */
const GROUP = 0x01;
const LOCAL = 0x02;

export function randomHardwareAddress(): string {
  const bytes = Uint8Array.from(randomBytes(HARDWARE_ADDRESS_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & ~GROUP) | LOCAL;
  return formatHardwareAddress(bytes);
}

/** Undefined where there is none. */
export async function findLink(namespace: RelayNamespace, name: string): Promise<Link | undefined> {
  try {
    return (await namespace.values("route", getLink(name)))[0];
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** Names of all interfaces. */
export async function linkNames(namespace: RelayNamespace): Promise<ReadonlySet<string>> {
  const links = await namespace.values("route", listLinks({ withoutStatistics: true }));
  return new Set(links.flatMap(({ name }) => (name === undefined ? [] : [name])));
}

/**
 * Makes a network's bridge where it is not there, with the addresses of its gateways. It is up when it has them.
 *
 * @throws OrlopError `conflict` for another interface of that name
 */
export async function ensureBridge(namespace: RelayNamespace, { info, link }: NetworkRecord): Promise<void> {
  const known = await findLink(namespace, link);
  const found = known ?? (await createBridge(namespace, { info, link }));
  const kind = found?.info?.own?.kind;
  if (found === undefined || kind !== "bridge") {
    const problem = `interface "${link}" is ${kind === undefined ? "there" : `a ${kind}`}, and not a bridge of ours`;
    throw new OrlopError("conflict", `Cannot use network "${info.name}": ${problem}`);
  }
  const { index, flags } = found;
  if (flags.includes("IFF_UP")) return;
  const addresses = info.subnets.map(({ prefix, gateway }) => {
    const { version, prefixLength } = parseIpPrefix(prefix);
    const more = version === 6 ? { flags: ["IFA_F_NODAD"] as const } : { broadcast: "+" };
    return addAddress({ index, address: `${gateway}/${prefixLength}`, ...more }, { replace: true });
  });
  await namespace.route(
    ...(hasIpv6(info.subnets) ? [] : [changeLink(index, WITHOUT_IPV6)]),
    ...addresses,
    changeLink(index, { up: true }),
  );
}

async function createBridge(namespace: RelayNamespace, { info, link }: NetworkRecord): Promise<Link | undefined> {
  const { mtu } = bridgeOptionsOf(info.options, info.name);
  try {
    // An address of its own, because that of a bridge without one changes with its ports.
    const address = randomHardwareAddress();
    await namespace.route(createLink({ name: link, address, mtu, kind: { kind: "bridge", data: {} } }));
  } catch (error) {
    // Another process has been faster.
    if (!(error instanceof OrlopError && error.code === "exists")) throw error;
  }
  return await findLink(namespace, link);
}

/** No link-local address either. */
export const WITHOUT_IPV6 = { protocols: { inet6: { addressGenerationMode: "IN6_ADDR_GEN_MODE_NONE" } } } as const;

export function hasIpv6(subnets: NetworkRecord["info"]["subnets"]): boolean {
  return subnets.some(({ prefix }) => parseIpPrefix(prefix).version === 6);
}

/** One that is not there is no error. */
export async function removeLink(namespace: RelayNamespace, link: string | number): Promise<void> {
  try {
    await namespace.route(deleteLink(link));
  } catch (error) {
    if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
  }
}
