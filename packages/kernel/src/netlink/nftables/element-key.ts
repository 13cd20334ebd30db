import { OrlopError } from "@orlop/core";
import { formatIpAddress, lastAddressOf, networkOf, parseIpPrefix } from "../ip-address.ts";
import { type DataTypeName, type DataValue, dataTypes, encodeValue, paddedBytes } from "./data-types.ts";
import { describeSet, type SetDefinition } from "./set.ts";

/** Both ends belong to it. */
export interface KeyInterval {
  readonly from: DataValue;
  readonly to: DataValue;
}

/** One part of a key: a value, and in a set of intervals also a prefix (`10.0.0.0/8`) or a range. */
export type ElementKey = DataValue | KeyInterval;

/** The lowest and the highest key that an element stands for; equal where it is one value. */
export function encodeKey(set: SetDefinition, key: readonly ElementKey[]): { first: Uint8Array; last: Uint8Array } {
  if (key.length !== set.key.length) refuse(set, `its keys have the parts ${set.key.join(" . ")}`);
  const parts = set.key.map((type, index) => encodePart(set, type, key[index] ?? ""));
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return { first: joinPadded(parts.map(({ first }) => first)), last: joinPadded(parts.map(({ last }) => last)) };
}

function encodePart(set: SetDefinition, type: DataTypeName, part: ElementKey): { first: Uint8Array; last: Uint8Array } {
  const interval = intervalOf(type, part);
  if (interval === undefined) {
    const value = encodeValue(type, part as DataValue);
    return { first: value, last: value };
  }
  if (set.interval !== true) refuse(set, "it holds single keys, not prefixes or ranges (interval)");
  const { byteOrder, sizeBytes } = dataTypes[type];
  if (byteOrder === "host" && sizeBytes > 1) {
    throw new OrlopError(
      "unsupported",
      `Cannot encode interval of ${type} in set "${describeSet(set)}": intervals are for types in network order`,
      { operation: "encode set element" },
    );
  }
  const [first, last] = [encodeValue(type, interval.from), encodeValue(type, interval.to)];
  if (Buffer.compare(first, last) > 0) refuse(set, `an interval ends before it begins: ${interval.from}`);
  return { first, last };
}

function intervalOf(type: DataTypeName, part: ElementKey): KeyInterval | undefined {
  if (typeof part === "object" && !Array.isArray(part)) return part as KeyInterval;
  const address = type === "ipv4_addr" || type === "ipv6_addr";
  if (!address || typeof part !== "string" || !part.includes("/")) return undefined;
  const prefix = networkOf(parseIpPrefix(part));
  return { from: formatIpAddress(prefix.bytes), to: formatIpAddress(lastAddressOf(prefix).bytes) };
}

function joinPadded(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part, ...new Uint8Array(paddedBytes(part.length) - part.length)]));
}

/** The next key, or undefined behind the highest one. */
export function increment(key: Uint8Array): Uint8Array | undefined {
  const next = key.slice();
  for (let index = next.length - 1; index >= 0; index--) {
    const byte = ((next[index] ?? 0) + 1) & 0xff;
    next[index] = byte;
    if (byte !== 0) return next;
  }
  return undefined;
}

/** The key before; before nothing, the highest one of `sizeBytes`. */
export function decrement(key: Uint8Array | undefined, sizeBytes: number): Uint8Array {
  if (key === undefined) return new Uint8Array(sizeBytes).fill(0xff);
  const previous = key.slice();
  for (let index = previous.length - 1; index >= 0; index--) {
    const byte = previous[index] ?? 0;
    previous[index] = (byte + 0xff) & 0xff;
    if (byte !== 0) break;
  }
  return previous;
}

function refuse(set: SetDefinition, reason: string): never {
  throw new OrlopError("invalid", `Cannot encode key of set "${describeSet(set)}": ${reason}`, {
    operation: "encode set element",
  });
}
