import { randomInt } from "node:crypto";
import { type Endpoint, OrlopError, type PublishedPort } from "@orlop/core";
import {
  formatHardwareAddress,
  formatIpAddress,
  parseHardwareAddress,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
} from "@orlop/kernel/netlink";
import { SubnetAddresses } from "../addresses/subnet-addresses.ts";
import { describePort, rangeOf } from "../ports/complete-ports.ts";
import type { NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { randomHardwareAddress } from "./host-links.ts";

/**
 * Takes one address of each subnet for an endpoint, within a transaction: those that are asked for, or the lowest free ones.
 *
 * @throws OrlopError `exists` for one that is taken, `invalid`, `exhausted`
 */
export function takeAddresses(
  records: NetworkRecords,
  { info }: NetworkRecord,
  endpoint: string,
  wanted: readonly string[],
): readonly string[] {
  const cannot = (address: string, problem: string, code: "invalid" | "exists" = "invalid"): OrlopError =>
    new OrlopError(code, `Cannot connect endpoint "${endpoint}" with address "${address}": ${problem}`);
  const asked = wanted.map((address) => formatIpAddress(parseIpAddress(address).bytes));
  for (const address of asked) {
    const parsed = parseIpAddress(address);
    if (!info.subnets.some(({ prefix }) => prefixContains(parseIpPrefix(prefix), parsed))) {
      throw cannot(address, `network "${info.name}" has no subnet that it is in`);
    }
  }
  return info.subnets.map((subnet) => {
    const addresses = new SubnetAddresses(subnet);
    const own = asked.filter((address) => parseIpAddress(address).version === addresses.version);
    const [first, second] = own;
    if (second !== undefined) throw cannot(second, "it would have two addresses of one IP version");
    const address = first ?? freeAddress(records, info, endpoint, addresses);
    const ordinal = addresses.ordinal(address);
    const whole = new SubnetAddresses({ prefix: subnet.prefix });
    const isHost = ordinal === undefined || (ordinal >= whole.first && (whole.version === 6 || ordinal <= whole.last));
    if (!isHost) throw cannot(address, `it is no address for a host of subnet ${subnet.prefix}`);
    const holder = records.addressHolder(info.id, address);
    if (holder === "") throw cannot(address, `it is the gateway of network "${info.name}"`, "exists");
    if (holder !== undefined) throw cannot(address, `endpoint "${holder}" has it`, "exists");
    records.takeAddress(info.id, endpoint, address, ordinal);
    return `${address}/${addresses.prefixLength}`;
  });
}

function freeAddress(
  records: NetworkRecords,
  info: NetworkRecord["info"],
  endpoint: string,
  addresses: SubnetAddresses,
): string {
  const { version, first, last } = addresses;
  const ordinal = records.freeOrdinal(info.id, version, first, last);
  if (ordinal !== undefined) return addresses.address(ordinal);
  const problem = `network "${info.name}" has no free IPv${version} address`;
  throw new OrlopError("exhausted", `Cannot connect endpoint "${endpoint}": ${problem}`);
}

/** As docker's: whoever has an address after another has the same hardware address, and no neighbour is misled. */
export function hardwareAddressFor(addresses: readonly string[], wanted: string | undefined): string {
  if (wanted !== undefined) return checkedHardwareAddress(wanted);
  const own = addresses.map(parseIpPrefix).find(({ version }) => version === 4);
  return own === undefined ? randomHardwareAddress() : formatHardwareAddress(Uint8Array.of(2, 0x42, ...own.bytes));
}

const ETHERNET_ADDRESS_BYTES = 6;

function checkedHardwareAddress(text: string): string {
  const bytes = parseHardwareAddress(text);
  const isGroup = ((bytes[0] ?? 0) & 1) !== 0;
  if (bytes.length === ETHERNET_ADDRESS_BYTES && !isGroup && bytes.some((byte) => byte !== 0)) {
    return formatHardwareAddress(bytes);
  }
  throw new OrlopError("invalid", `Cannot use hardware address "${text}": it is none of a single Ethernet interface`);
}

/** Where the driver looks for ports when it is to choose: IANA's dynamic ones, RFC 6335. */
const DYNAMIC_PORTS = { first: 49_152, last: 65_535 } as const;

/**
 * Takes ports of the host for an endpoint, within a transaction. `refused` are first ports that turned out to be in use.
 *
 * @throws OrlopError `conflict` for one that an endpoint has, `exhausted`
 */
export function takePorts(
  records: NetworkRecords,
  { id, network }: Pick<Endpoint, "id" | "network">,
  ports: readonly Required<PublishedPort>[],
  refused: ReadonlySet<number> = new Set(),
): readonly Required<PublishedPort>[] {
  return ports.map((port) => {
    const chosen = port.hostPort === 0 ? choosePort(records, port, refused) : port;
    const range = rangeOf(chosen);
    const holder = records.portHolder(range);
    if (holder !== undefined) {
      const problem = `endpoint "${holder.endpoint}" has it, or a part of it`;
      throw new OrlopError("conflict", `Cannot publish port "${describePort(chosen)}": ${problem}`);
    }
    records.takePorts(network, id, range);
    return chosen;
  });
}

function choosePort(
  records: NetworkRecords,
  port: Required<PublishedPort>,
  refused: ReadonlySet<number>,
): Required<PublishedPort> {
  const { first, last } = DYNAMIC_PORTS;
  const places = last - first + 2 - port.count;
  // From anywhere: a port that was another's a moment ago may still be spoken to.
  const start = places > 0 ? randomInt(places) : 0;
  for (let step = 0; step < places; step++) {
    const chosen = { ...port, hostPort: first + ((start + step) % places) };
    if (!refused.has(chosen.hostPort) && records.portHolder(rangeOf(chosen)) === undefined) return chosen;
  }
  throw new OrlopError("exhausted", `Cannot publish port "${describePort(port)}": no ports of the host are free`);
}
