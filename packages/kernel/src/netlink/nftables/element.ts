import { OrlopError } from "@orlop/core";
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from "../message.ts";
import { changeRequest, decodeBody, dumpRequest, type MessageType, type NetlinkRequest } from "../request.ts";
import { type DataTypeName, type DataValue, dataTypes, decodeValue, encodeValue, paddedBytes } from "./data-types.ts";
import { decrement, type ElementKey, encodeKey, increment } from "./element-key.ts";
import type { Counter } from "./expressions/accounting.ts";
import { NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM } from "./message-types.ts";
import { describeSet, type SetDefinition, wireSetName } from "./set.ts";
import { commentOf, commentRecord, encodeUserData, userDataTypes } from "./user-data.ts";
import type { Verdict } from "./verdict.ts";
import { elementListBody, type WireElement } from "./wire.ts";

/** Elements that one message carries: even with the longest keys, values and comments they stay below `attributeMaxBytes`. */
const ELEMENTS_PER_MESSAGE = 64;

export interface SetElement {
  /** A part for each type of the set's key. */
  readonly key: readonly ElementKey[];
  /** In a map: a part for each type of the set's value, or a verdict. */
  readonly value?: readonly DataValue[] | Verdict;
  /** In a set with timeouts: how long it stays. */
  readonly timeoutMs?: number;
  readonly comment?: string;
}

/** An element that the kernel has. */
export interface ListedElement extends SetElement {
  /** How long it stays from now on. */
  readonly expirationMs?: number;
  readonly counter?: Counter;
}

/** `nft add element`: messages of at most 64 elements each. Go into a batch. */
export function addElements(
  set: SetDefinition,
  elements: readonly SetElement[],
  options: { readonly exclusive?: boolean } = {},
): NetlinkRequest[] {
  const wire = elements.flatMap((element) => wireElements(set, element));
  const flags = NLM_F_CREATE | (options.exclusive === true ? NLM_F_EXCL : 0);
  return elementRequests("add elements to set", NFT_MSG_NEWSETELEM, flags, set, [...leadingEnd(set, wire), ...wire]);
}

/** `nft delete element`: not-found (ENOENT) when one is not there. Go into a batch. */
export function deleteElements(set: SetDefinition, elements: readonly Pick<SetElement, "key">[]): NetlinkRequest[] {
  const wire = elements.flatMap(({ key }) => wireElements(set, { key }));
  return elementRequests("delete elements of set", NFT_MSG_DELSETELEM, 0, set, wire);
}

/** `nft flush set`. Goes into a batch. */
export function deleteAllElements(set: SetDefinition): NetlinkRequest {
  return elementRequest("delete elements of set", NFT_MSG_DELSETELEM, 0, set, undefined);
}

function elementRequests(
  operation: string,
  type: MessageType,
  flags: number,
  set: SetDefinition,
  elements: readonly WireElement[],
): NetlinkRequest[] {
  const requests: NetlinkRequest[] = [];
  for (let at = 0; at < elements.length; at += ELEMENTS_PER_MESSAGE) {
    requests.push(elementRequest(operation, type, flags, set, elements.slice(at, at + ELEMENTS_PER_MESSAGE)));
  }
  return requests;
}

function elementRequest(
  operation: string,
  type: MessageType,
  flags: number,
  set: SetDefinition,
  elements: readonly WireElement[] | undefined,
): NetlinkRequest {
  const { family, table, id } = set;
  const value = {
    family,
    table,
    set: wireSetName(set),
    ...(id === undefined ? {} : { setId: id }),
    ...(elements === undefined ? {} : { elements }),
  };
  const object = describeSet(set);
  return changeRequest({ operation, object, type, flags, write: (to) => elementListBody.write(value, to) });
}

/**
 * One element, or in a set of intervals two: where it begins and where the next gap begins. A concatenation of
 * intervals is one element with two keys.
 */
function wireElements(set: SetDefinition, element: SetElement): WireElement[] {
  const { first, last } = encodeKey(set, element.key);
  const rest = {
    ...(element.timeoutMs === undefined ? {} : { timeoutMs: element.timeoutMs }),
    ...(element.comment === undefined
      ? {}
      : { userData: encodeUserData([commentRecord(userDataTypes.element.comment, element.comment)]) }),
    ...wireValue(set, element),
  };
  const key = { key: { value: first } };
  if (set.interval !== true) return [{ ...key, ...rest }];
  if (set.key.length > 1) return [{ ...key, keyEnd: { value: last }, ...rest }];
  const end = increment(last);
  // An interval that reaches the highest key has no gap behind it.
  if (end === undefined) return [{ ...key, ...rest }];
  return [
    { ...key, ...rest },
    { flags: ["NFT_SET_ELEM_INTERVAL_END"], key: { value: end } },
  ];
}

/** As nft does: a gap from the lowest key on, unless an interval begins there. */
function leadingEnd(set: SetDefinition, elements: readonly WireElement[]): WireElement[] {
  if (set.interval !== true || set.key.length > 1 || elements.length === 0) return [];
  const lowest = elements.some(({ key }) => key?.value?.every((byte) => byte === 0) === true);
  const size = elements[0]?.key?.value?.length ?? 0;
  return lowest ? [] : [{ flags: ["NFT_SET_ELEM_INTERVAL_END"], key: { value: new Uint8Array(size) } }];
}

function wireValue(set: SetDefinition, element: SetElement): Pick<WireElement, "data"> {
  const { value } = element;
  if (set.value === undefined || value === undefined) {
    if (value !== undefined) refuseValue(set, "it is no map, and the element has a value");
    return {};
  }
  if (set.value === "verdict") {
    if (isParts(value)) refuseValue(set, "its values are verdicts");
    return { data: { verdict: value as Verdict } };
  }
  if (!isParts(value) || value.length !== set.value.length) {
    return refuseValue(set, `its values have the parts ${set.value.join(" . ")}`);
  }
  return { data: { value: concatenate(set.value, value) } };
}

function isParts(value: readonly DataValue[] | Verdict): value is readonly DataValue[] {
  return Array.isArray(value);
}

function refuseValue(set: SetDefinition, reason: string): never {
  throw new OrlopError("invalid", `Cannot encode element of set "${describeSet(set)}": ${reason}`, {
    operation: "encode set element",
  });
}

/** One value as it stands; several with each padded to four bytes. */
function concatenate(types: readonly DataTypeName[], values: readonly DataValue[]): Uint8Array {
  const parts = types.map((type, index) => encodeValue(type, values[index] ?? ""));
  if (parts.length === 1) return parts[0] ?? new Uint8Array(0);
  return Uint8Array.from(parts.flatMap((part) => [...part, ...new Uint8Array(paddedBytes(part.length) - part.length)]));
}

/** Elements of a set, as many as each answer holds; `joinElements` makes one list of them. */
export function listElements(set: SetDefinition): NetlinkRequest<readonly WireElement[]> {
  const { family, table } = set;
  return dumpRequest({
    operation: "list elements of set",
    object: describeSet(set),
    type: NFT_MSG_GETSETELEM,
    write: (to) => elementListBody.write({ family, table, set: wireSetName(set) }, to),
    decode: decodeElements,
  });
}

/** Decodes an NFT_MSG_NEWSETELEM. Throws OrlopError("invalid"). */
export function decodeElements(message: NetlinkMessage): readonly WireElement[] {
  return decodeBody(message, [NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM], elementListBody).elements ?? [];
}

/**
 * The elements of all answers to `listElements`, in the order of their keys, with the two ends of each interval put
 * together. Throws OrlopError("invalid") when they do not have the types of `set`.
 */
export function joinElements(set: SetDefinition, answers: readonly (readonly WireElement[])[]): ListedElement[] {
  const wire = answers.flat().sort(compareElements);
  return wire.flatMap((element, index) => {
    if (isEnd(element)) return [];
    const first = element.key?.value ?? new Uint8Array(0);
    const next = wire[index + 1];
    const paired = set.interval === true && set.key.length === 1;
    const last = paired ? decrement(next?.key?.value, first.length) : (element.keyEnd?.value ?? first);
    return [listedElement(set, element, first, last)];
  });
}

function listedElement(set: SetDefinition, element: WireElement, first: Uint8Array, last: Uint8Array): ListedElement {
  const { timeoutMs, expirationMs, data } = element;
  const lowest = split(set.key, first);
  const highest = split(set.key, last);
  const comment = commentOf(element.userData, userDataTypes.element.comment);
  const expressions = element.expressions ?? (element.expression === undefined ? [] : [element.expression]);
  const counter = expressions.find((candidate) => candidate.kind === "counter");
  const value = data?.verdict ?? (data?.value === undefined ? undefined : splitValue(set, data.value));
  return {
    key: lowest.map((from, index) => {
      const to = highest[index] ?? from;
      // As text, because bits are arrays.
      return String(from) === String(to) ? from : { from, to };
    }),
    ...(value === undefined ? {} : { value }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(expirationMs === undefined ? {} : { expirationMs }),
    ...(comment === undefined ? {} : { comment }),
    ...(counter?.kind !== "counter" ? {} : { counter: counter.data ?? {} }),
  };
}

function splitValue(set: SetDefinition, bytes: Uint8Array): readonly DataValue[] {
  return set.value === undefined || set.value === "verdict"
    ? refuseValue(set, "an element has a value that the set does not say")
    : split(set.value, bytes);
}

function split(types: readonly DataTypeName[], bytes: Uint8Array): DataValue[] {
  let at = 0;
  return types.map((type) => {
    const value = decodeValue(type, bytes.subarray(at));
    at += types.length === 1 ? bytes.length : paddedBytes(dataTypes[type].sizeBytes);
    return value;
  });
}

function isEnd(element: WireElement): boolean {
  return element.flags?.includes("NFT_SET_ELEM_INTERVAL_END") === true;
}

/** By key; where one interval ends and the next begins, the end comes first. */
function compareElements(a: WireElement, b: WireElement): number {
  const order = Buffer.compare(a.key?.value ?? new Uint8Array(0), b.key?.value ?? new Uint8Array(0));
  return order !== 0 ? order : Number(isEnd(b)) - Number(isEnd(a));
}
