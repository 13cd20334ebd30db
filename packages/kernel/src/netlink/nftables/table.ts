import { type NetlinkMessage, NLM_F_EXCL } from "../message.ts";
import type { NetfilterFamily } from "../netfilter-header.ts";
import { changeRequest, decodeBody, dumpRequest, type NetlinkRequest } from "../request.ts";
import { NFT_MSG_DELTABLE, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE } from "./message-types.ts";
import { commentOf, commentRecord, encodeUserData, userDataTypes } from "./user-data.ts";
import { tableBody } from "./wire.ts";

/** Families in which there are tables. */
export type TableFamily = "inet" | "ip" | "ip6" | "arp" | "bridge" | "netdev";

/** Which table. */
export interface TableReference {
  readonly family: TableFamily;
  readonly table: string;
}

export interface NewTable extends TableReference {
  readonly comment?: string;
  /** Its chains are not run. */
  readonly dormant?: boolean;
}

/** A table that the kernel has. */
export interface Table {
  readonly family: NetfilterFamily;
  readonly table: string;
  readonly dormant: boolean;
  readonly handle: bigint;
  /** How many chains, sets and the like it has. */
  readonly use: number;
  readonly comment?: string;
}

/** For errors: `inet orlop`. */
export function describeTable(reference: TableReference): string {
  return `${reference.family} ${reference.table}`;
}

/** `nft add table`; with `exclusive`, `nft create table`: EEXIST when it is there. Goes into a batch. */
export function addTable(table: NewTable, options: { readonly exclusive?: boolean } = {}): NetlinkRequest {
  const value = {
    family: table.family,
    name: table.table,
    flags: table.dormant === true ? (["NFT_TABLE_F_DORMANT"] as const) : [],
    ...(table.comment === undefined
      ? {}
      : { userData: encodeUserData([commentRecord(userDataTypes.table.comment, table.comment)]) }),
  };
  return changeRequest({
    operation: "add table",
    object: describeTable(table),
    type: NFT_MSG_NEWTABLE,
    flags: options.exclusive === true ? NLM_F_EXCL : 0,
    write: (to) => tableBody.write(value, to),
  });
}

/** `nft delete table`, with everything in it. Goes into a batch. */
export function deleteTable(table: TableReference): NetlinkRequest {
  return changeRequest({
    operation: "delete table",
    object: describeTable(table),
    type: NFT_MSG_DELTABLE,
    write: (to) => tableBody.write({ family: table.family, name: table.table }, to),
  });
}

/** Tables of one family, or of all. */
export function listTables(family?: TableFamily): NetlinkRequest<Table> {
  return dumpRequest({
    operation: "list tables",
    object: family ?? "",
    type: NFT_MSG_GETTABLE,
    write: (to) => tableBody.write({ family: family ?? "unspecified" }, to),
    decode: decodeTable,
  });
}

/** Decodes an NFT_MSG_NEWTABLE. Throws OrlopError("invalid"). */
export function decodeTable(message: NetlinkMessage): Table {
  const wire = decodeBody(message, [NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE], tableBody);
  const comment = commentOf(wire.userData, userDataTypes.table.comment);
  return {
    family: wire.family,
    table: wire.name ?? "",
    dormant: wire.flags?.includes("NFT_TABLE_F_DORMANT") === true,
    handle: wire.handle ?? 0n,
    use: wire.use ?? 0,
    ...(comment === undefined ? {} : { comment }),
  };
}
