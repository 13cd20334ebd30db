import type { Subnet } from "@orlop/core";
import {
  formatIpAddress,
  type IpPrefix,
  lastAddressOf,
  networkOf,
  parseIpAddress,
  parseIpPrefix,
} from "@orlop/kernel/netlink";

/** Ordinals of a subnet that are handed out: no subnet is larger than the records can count. */
const ORDINAL_MAX = 2 ** 48;

/** The addresses of a subnet, each by its ordinal: its distance from the subnet's own address. */
export class SubnetAddresses {
  readonly version: 4 | 6;
  readonly prefixLength: number;
  /** The first and the last ordinal that may be allocated. */
  readonly first: number;
  readonly last: number;
  readonly #base: bigint;
  readonly #bytes: number;

  constructor({ prefix, range }: Pick<Subnet, "prefix" | "range">) {
    const whole = networkOf(parseIpPrefix(prefix));
    this.version = whole.version;
    this.prefixLength = whole.prefixLength;
    this.#base = numberOf(whole.bytes);
    this.#bytes = whole.bytes.length;
    const part = range === undefined ? whole : networkOf(parseIpPrefix(range));
    const size = numberOf(lastAddressOf(whole).bytes) - this.#base;
    // The lowest address is the subnet's own (IPv6: every router's), the highest one of IPv4 is everybody's.
    const highest = this.version === 4 && whole.prefixLength < 31 ? size - 1n : size;
    const lowest = whole.prefixLength < 8 * this.#bytes - 1 ? 1n : 0n;
    this.first = Number(larger(numberOf(part.bytes) - this.#base, lowest));
    this.last = Number(
      smaller(smaller(numberOf(lastAddressOf(part).bytes) - this.#base, highest), BigInt(ORDINAL_MAX)),
    );
  }

  /** Undefined for an address outside of it, or too far for the records. */
  ordinal(address: string): number | undefined {
    const ordinal = numberOf(parseIpAddress(address).bytes) - this.#base;
    return ordinal >= 0n && ordinal <= BigInt(ORDINAL_MAX) ? Number(ordinal) : undefined;
  }

  address(ordinal: number): string {
    return formatIpAddress(bytesOf(this.#base + BigInt(ordinal), this.#bytes));
  }
}

export function overlaps(one: IpPrefix, other: IpPrefix): boolean {
  if (one.version !== other.version) return false;
  const prefixLength = Math.min(one.prefixLength, other.prefixLength);
  const text = (prefix: IpPrefix): string => formatIpAddress(networkOf({ ...prefix, prefixLength }).bytes);
  return text(one) === text(other);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex"));
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
