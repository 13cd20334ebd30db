import { type CreateNetworkRequest, OrlopError, type Subnet } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import {
  formatIpAddress,
  formatIpPrefix,
  networkOf,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
} from "@orlop/kernel/netlink";
import { overlaps, SubnetAddresses } from "./subnet-addresses.ts";

/** Of RFC 1918, those first that hardly anybody has chosen; docker's come last, and 192.168.0.0/16 not at all. */
const CANDIDATES: readonly string[] = [
  ...Array.from({ length: 14 }, (_, index) => `172.${index === 0 ? 30 : index === 1 ? 31 : 18 + index - 2}.0.0/16`),
  ...Array.from({ length: 128 }, (_, index) => `10.${128 + index}.0.0/16`),
];

/** RFC 4193: fd, forty random bits, the number of the subnet. */
const ULA_RANDOM_BYTES = 5;

/** What a subnet must not overlap with: routes of the host, and subnets of the other networks. */
type UsedPrefixes = readonly string[];

/**
 * The subnets of a new network: those that are asked for, completed, or one of each wanted IP version that nobody uses.
 *
 * @throws OrlopError `invalid`, `conflict` for one that overlaps, `exhausted`
 */
export function chooseSubnets(request: CreateNetworkRequest, used: UsedPrefixes): readonly Subnet[] {
  const cannot = (problem: string, code: "invalid" | "conflict" = "invalid"): OrlopError =>
    new OrlopError(code, `Cannot create network "${request.name}": ${problem}`);
  const asked = (request.subnets ?? []).map((subnet) => completeSubnet(subnet, cannot));
  const versions = asked.map(({ prefix }) => parseIpPrefix(prefix).version);
  if (new Set(versions).size !== versions.length) throw cannot("it would have two subnets of one IP version");
  const taken = used.map(parseIpPrefix);
  for (const { prefix } of asked) {
    const other = taken.find((each) => overlaps(each, parseIpPrefix(prefix)));
    if (other !== undefined) throw cannot(`subnet ${prefix} overlaps with ${formatIpPrefix(other)}`, "conflict");
  }
  if (request.ipv6 === false && versions.includes(6)) throw cannot("it has a subnet of IPv6, and is to have none");
  // Who names a subnet of IPv6 alone wants nothing else.
  const wantsIpv4 = asked.length === 0 || versions.includes(4);
  const wantsIpv6 = request.ipv6 ?? versions.includes(6);
  const chosen: Subnet[] = [];
  if (wantsIpv4 && !versions.includes(4)) chosen.push(freeSubnet(used, request.name));
  if (wantsIpv6 && !versions.includes(6)) chosen.push(uniqueLocalSubnet());
  return [...asked, ...chosen].sort((a, b) => parseIpPrefix(a.prefix).version - parseIpPrefix(b.prefix).version);
}

/** The largest prefix lengths that leave room for the host and one endpoint. */
const PREFIX_LENGTH_MAX = { 4: 30, 6: 126 } as const;

function completeSubnet(
  { prefix, gateway, range }: Pick<Subnet, "prefix"> & Partial<Subnet>,
  cannot: (problem: string) => OrlopError,
): Subnet {
  const whole = parseIpPrefix(prefix);
  if (formatIpPrefix(networkOf(whole)) !== formatIpPrefix(whole)) {
    throw cannot(`subnet ${prefix} has bits set behind its prefix length\nTry ${formatIpPrefix(networkOf(whole))}.`);
  }
  if (whole.prefixLength > PREFIX_LENGTH_MAX[whole.version]) throw cannot(`subnet ${prefix} has no room for endpoints`);
  if (range !== undefined) {
    const part = parseIpPrefix(range);
    const inside = part.prefixLength >= whole.prefixLength && prefixContains(whole, part);
    if (!inside) throw cannot(`range ${range} is not within subnet ${prefix}`);
  }
  const text = formatIpPrefix(whole);
  const addresses = new SubnetAddresses({ prefix: text });
  const own = gateway === undefined ? addresses.address(1) : formatIpAddress(parseIpAddress(gateway).bytes);
  const ordinal = prefixContains(whole, parseIpAddress(own)) ? (addresses.ordinal(own) ?? addresses.first) : 0;
  if (ordinal < addresses.first || (whole.version === 4 && ordinal > addresses.last)) {
    throw cannot(`gateway ${own} is no address for a host of subnet ${prefix}`);
  }
  const part = range === undefined ? {} : { range: formatIpPrefix(networkOf(parseIpPrefix(range))) };
  return { prefix: text, gateway: own, ...part };
}

function freeSubnet(used: UsedPrefixes, name: string): Subnet {
  const taken = used.map(parseIpPrefix);
  const prefix = CANDIDATES.find((each) => !taken.some((other) => overlaps(other, parseIpPrefix(each))));
  if (prefix === undefined) {
    const problem = "every private subnet of 65536 addresses is in use by a route of the host or another network";
    throw new OrlopError("exhausted", `Cannot create network "${name}": ${problem}\nTry a subnet of your own.`);
  }
  return { prefix, gateway: new SubnetAddresses({ prefix }).address(1) };
}

function uniqueLocalSubnet(): Subnet {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  bytes.set(randomBytes(ULA_RANDOM_BYTES), 1);
  const prefix = `${formatIpAddress(bytes)}/64`;
  return { prefix, gateway: new SubnetAddresses({ prefix }).address(1) };
}
