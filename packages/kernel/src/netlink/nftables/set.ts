import { OrlopError } from "@orlop/core";
import type { FlagNames } from "../choices.ts";
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from "../message.ts";
import type { NetfilterFamily } from "../netfilter-header.ts";
import { changeRequest, decodeBody, dumpRequest, type NetlinkRequest } from "../request.ts";
import {
  concatenationBytes,
  type DataTypeName,
  dataTypes,
  typeNumber,
  typesOfNumber,
  VERDICT_TYPE,
} from "./data-types.ts";
import type { Expression } from "./expression.ts";
import { NFT_MSG_DELSET, NFT_MSG_GETSET, NFT_MSG_NEWSET } from "./message-types.ts";
import { describeTable, type TableReference } from "./table.ts";
import { commentOf, commentRecord, encodeUserData, type UserDataRecord, userDataTypes } from "./user-data.ts";
import { setBody, type setFlagNames, type setPolicies } from "./wire.ts";

/** A set or map, as rules and elements have to know it. */
export interface SetDefinition extends TableReference {
  /** Left out for an anonymous set, which lives as long as the one rule that uses it. */
  readonly set?: string;
  /** Identifies an anonymous set within its batch; needed for one. */
  readonly id?: number;
  /** Types of the key: several make a concatenation, `ipv4_addr . inet_service`. */
  readonly key: readonly DataTypeName[];
  /** Makes it a map: types of the value, or a verdict. */
  readonly value?: readonly DataTypeName[] | "verdict";
  /** Keys may be prefixes and ranges. */
  readonly interval?: boolean;
}

export interface NewSet extends SetDefinition {
  /** Elements vanish after their time. */
  readonly timeout?: boolean;
  /** What elements without a time of their own get; implies `timeout`. */
  readonly timeoutMs?: number;
  readonly garbageCollectionMs?: number;
  /** Rules may add elements (`update @set`). */
  readonly dynamic?: boolean;
  /** Elements never change after the batch. */
  readonly constant?: boolean;
  readonly elementsMax?: number;
  readonly policy?: keyof typeof setPolicies;
  /** Each element counts what it matches. */
  readonly counter?: boolean;
  /** `nft` then merges intervals that touch. */
  readonly autoMerge?: boolean;
  readonly comment?: string;
}

/** A set that the kernel has. */
export interface NftablesSet {
  readonly family: NetfilterFamily;
  readonly table: string;
  readonly set: string;
  readonly handle: bigint;
  readonly flags: FlagNames<typeof setFlagNames>;
  /** Type names, or nft's number when one of them is not ours. */
  readonly key: readonly DataTypeName[] | number;
  readonly value?: readonly DataTypeName[] | "verdict" | number;
  readonly timeoutMs?: number;
  readonly elementsMax?: number;
  readonly expressions: readonly Expression[];
  readonly comment?: string;
}

/** The name that goes over the wire: the kernel replaces `%d` in an anonymous set's. */
export function wireSetName(set: SetDefinition): string {
  if (set.set !== undefined) return set.set;
  if (set.id === undefined) {
    throw new OrlopError("invalid", `Cannot encode set of table "${describeTable(set)}": it has neither name nor id`, {
      operation: "encode set",
    });
  }
  return set.value === undefined ? "__set%d" : "__map%d";
}

/** For errors: `inet orlop ports`. */
export function describeSet(set: SetDefinition): string {
  return `${describeTable(set)} ${wireSetName(set)}`;
}

/** `nft add set` and `nft add map`. Goes into a batch. */
export function addSet(set: NewSet, options: { readonly exclusive?: boolean } = {}): NetlinkRequest {
  const { family, table, key, value, id = 0, policy, timeoutMs, garbageCollectionMs } = set;
  const description = describeContents(set);
  const wire = {
    family,
    table,
    name: wireSetName(set),
    flags: setFlags(set),
    keyType: typeNumber(key),
    keyLength: concatenationBytes(key),
    ...(value === undefined
      ? {}
      : value === "verdict"
        ? { dataType: VERDICT_TYPE, dataLength: 0 }
        : { dataType: typeNumber(value), dataLength: concatenationBytes(value) }),
    id,
    ...(policy === undefined ? {} : { policy }),
    ...(Object.keys(description).length === 0 ? {} : { description }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(garbageCollectionMs === undefined ? {} : { garbageCollectionMs }),
    userData: encodeUserData(setUserData(set)),
    ...(set.counter === true ? { expression: { kind: "counter", data: {} } as const } : {}),
  };
  return changeRequest({
    operation: value === undefined ? "add set" : "add map",
    object: describeSet(set),
    type: NFT_MSG_NEWSET,
    flags: NLM_F_CREATE | (options.exclusive === true ? NLM_F_EXCL : 0),
    write: (to) => setBody.write(wire, to),
  });
}

function describeContents(set: NewSet): { size?: number; fields?: { length: number }[] } {
  // The kernel needs the fields to look into a concatenation of intervals, and only there.
  const fields = set.interval === true && set.key.length > 1;
  return {
    ...(set.elementsMax === undefined ? {} : { size: set.elementsMax }),
    ...(fields ? { fields: set.key.map((name) => ({ length: dataTypes[name].sizeBytes })) } : {}),
  };
}

function setFlags(set: NewSet): FlagNames<typeof setFlagNames> {
  const flags: FlagNames<typeof setFlagNames>[number][] = [];
  if (set.set === undefined) flags.push("NFT_SET_ANONYMOUS");
  if (set.constant === true || set.set === undefined) flags.push("NFT_SET_CONSTANT");
  if (set.interval === true) flags.push("NFT_SET_INTERVAL");
  if (set.value !== undefined) flags.push("NFT_SET_MAP");
  if (set.timeout === true || set.timeoutMs !== undefined) flags.push("NFT_SET_TIMEOUT");
  if (set.dynamic === true) flags.push("NFT_SET_EVAL");
  if (set.interval === true && set.key.length > 1) flags.push("NFT_SET_CONCAT");
  return flags;
}

/** What nft(8) wants to know when it lists the set: the order of bytes, and comments. */
function setUserData(set: NewSet): UserDataRecord[] {
  const types = userDataTypes.set;
  return [
    { type: types.keyByteOrder, value: Uint8Array.of(byteOrderOf(set.key), 0, 0, 0) },
    ...(set.value === undefined
      ? []
      : [{ type: types.dataByteOrder, value: Uint8Array.of(byteOrderOf(set.value), 0, 0, 0) }]),
    ...(set.autoMerge === true ? [{ type: types.mergeElements, value: Uint8Array.of(1, 0, 0, 0) }] : []),
    ...(set.comment === undefined ? [] : [commentRecord(types.comment, set.comment)]),
  ];
}

function byteOrderOf(names: readonly DataTypeName[] | "verdict"): number {
  const [first] = names;
  return names === "verdict" || names.length !== 1 || first === undefined
    ? 0
    : dataTypes[first as DataTypeName].nftByteOrder;
}

/** `nft delete set` and `nft delete map`: EBUSY while a rule uses it. Goes into a batch. */
export function deleteSet(set: SetDefinition): NetlinkRequest {
  const { family, table } = set;
  return changeRequest({
    operation: "delete set",
    object: describeSet(set),
    type: NFT_MSG_DELSET,
    write: (to) => setBody.write({ family, table, name: wireSetName(set) }, to),
  });
}

/** Sets and maps of one table, or of all. */
export function listSets(table?: TableReference): NetlinkRequest<NftablesSet> {
  return dumpRequest({
    operation: "list sets",
    object: table === undefined ? "" : describeTable(table),
    type: NFT_MSG_GETSET,
    write: (to) => setBody.write(table === undefined ? {} : { family: table.family, table: table.table }, to),
    decode: decodeSet,
  });
}

/** Decodes an NFT_MSG_NEWSET. Throws OrlopError("invalid"). */
export function decodeSet(message: NetlinkMessage): NftablesSet {
  const wire = decodeBody(message, [NFT_MSG_NEWSET, NFT_MSG_DELSET], setBody);
  const { keyType = 0, dataType, timeoutMs, description } = wire;
  const comment = commentOf(wire.userData, userDataTypes.set.comment);
  const value = dataType === VERDICT_TYPE ? "verdict" : dataType === undefined ? undefined : typesOrNumber(dataType);
  return {
    family: wire.family,
    table: wire.table ?? "",
    set: wire.name ?? "",
    handle: wire.handle ?? 0n,
    flags: wire.flags ?? [],
    key: typesOrNumber(keyType),
    ...(value === undefined ? {} : { value }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(description?.size === undefined ? {} : { elementsMax: description.size }),
    expressions: wire.expressions ?? (wire.expression === undefined ? [] : [wire.expression]),
    ...(comment === undefined ? {} : { comment }),
  };
}

function typesOrNumber(number: number): readonly DataTypeName[] | number {
  return typesOfNumber(number) ?? number;
}
