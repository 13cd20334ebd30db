import { isIPv4, isIPv6 } from "node:net";
import { OrlopError } from "@orlop/core";
import type { Codec, FixedCodec } from "./codec.ts";

/** A parsed address: 4 bytes are IPv4 and 16 are IPv6. */
export interface IpAddress {
  readonly version: 4 | 6;
  readonly bytes: Uint8Array;
}

/** An address with the number of its leading bits that name the network. The other bits may be set. */
export interface IpPrefix extends IpAddress {
  readonly prefixLength: number;
}

/**
 * Parses `10.0.0.1` or `fd00::1`. Throws OrlopError("invalid") on anything else, zone suffixes (`%eth0`) included:
 * netlink names interfaces in fields of their own.
 */
export function parseIpAddress(text: string): IpAddress {
  if (isIPv4(text)) return { version: 4, bytes: Uint8Array.from(text.split("."), Number) };
  if (isIPv6(text) && !text.includes("%")) return { version: 6, bytes: parseGroups(text) };
  throw new OrlopError("invalid", `Cannot parse IP address "${text}": it is neither IPv4 nor IPv6 text`, {
    operation: "parse IP address",
  });
}

/** Parses `10.0.0.0/24` or `fd00::/64`; an address without a length is a network of its own (`/32`, `/128`). */
export function parseIpPrefix(text: string): IpPrefix {
  const slash = text.indexOf("/");
  const address = parseIpAddress(slash === -1 ? text : text.slice(0, slash));
  const most = 8 * address.bytes.length;
  if (slash === -1) return { ...address, prefixLength: most };
  const digits = text.slice(slash + 1);
  const prefixLength = Number(digits);
  if (!/^(0|[1-9]\d*)$/.test(digits) || prefixLength > most) {
    throw new OrlopError("invalid", `Cannot parse IP prefix "${text}": its length is not a number from 0 to ${most}`, {
      operation: "parse IP prefix",
    });
  }
  return { ...address, prefixLength };
}

/** Bytes to text, IPv6 as RFC 5952 section 4 asks (IPv4-mapped addresses in the mixed form of section 5). */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) {
    throw new OrlopError("invalid", `Cannot format IP address of ${bytes.length} bytes: it is neither 4 nor 16`, {
      operation: "format IP address",
    });
  }
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return `::ffff:${bytes.subarray(12).join(".")}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16));
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

export function formatIpPrefix(prefix: IpPrefix): string {
  return `${formatIpAddress(prefix.bytes)}/${prefix.prefixLength}`;
}

/** The mask of a prefix length: 24 of 4 bytes gives 255.255.255.0. */
export function prefixMask(prefixLength: number, sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - 8 * index));
    return (0xff << (8 - bits)) & 0xff;
  });
}

/** The prefix with all bits past its length cleared: 10.0.0.5/24 gives 10.0.0.0/24. */
export function networkOf(prefix: IpPrefix): IpPrefix {
  const mask = prefixMask(prefix.prefixLength, prefix.bytes.length);
  return { ...prefix, bytes: prefix.bytes.map((byte, index) => byte & (mask[index] ?? 0)) };
}

/** The address with all bits past the length set: for IPv4, its broadcast address. */
export function lastAddressOf(prefix: IpPrefix): IpAddress {
  const mask = prefixMask(prefix.prefixLength, prefix.bytes.length);
  const bytes = prefix.bytes.map((byte, index) => byte | (~(mask[index] ?? 0) & 0xff));
  return { version: prefix.version, bytes };
}

/** Whether `address` lies in `network`. Addresses of the other IP version never do. */
export function prefixContains(network: IpPrefix, address: IpAddress): boolean {
  if (network.version !== address.version) return false;
  const mask = prefixMask(network.prefixLength, network.bytes.length);
  return mask.every((bits, index) => (((network.bytes[index] ?? 0) ^ (address.bytes[index] ?? 0)) & bits) === 0);
}

/** An address attribute: as text, 4 or 16 bytes in network order. */
export const ipAddress: Codec<string> = {
  write(value, to) {
    if (!isIPv4(value) && !(isIPv6(value) && !value.includes("%"))) to.fail(`"${value}" is not an IP address`);
    to.append(parseIpAddress(value).bytes);
  },
  read(from) {
    if (from.length !== 4 && from.length !== 16) from.fail(`it has ${from.length} bytes, not 4 or 16`);
    return formatIpAddress(from.bytes);
  },
};

export const ipv4Address: FixedCodec<string> = addressOf(4);
export const ipv6Address: FixedCodec<string> = addressOf(6);

function addressOf(version: 4 | 6): FixedCodec<string> {
  const size = version === 4 ? 4 : 16;
  const valid = version === 4 ? isIPv4 : (text: string) => isIPv6(text) && !text.includes("%");
  return {
    size,
    write(value, to) {
      if (!valid(value)) to.fail(`"${value}" is not an IPv${version} address`);
      to.append(parseIpAddress(value).bytes);
    },
    read(from) {
      if (from.length !== size) from.fail(`it has ${from.length} bytes, not ${size}`);
      return formatIpAddress(from.bytes);
    },
  };
}

function parseGroups(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [left = "", right] = text.split("::");
  const head = groupBytes(left);
  const tail = groupBytes(right ?? "");
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

function groupBytes(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Start and length of the first longest run of zero groups (RFC 5952, 4.2.3). */
function longestZeroRun(groups: readonly string[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 0];
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === "0") continue;
    if (index - start > best[1]) best = [start, index - start];
    start = index + 1;
  }
  return best;
}
