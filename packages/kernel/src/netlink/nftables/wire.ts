import { AttributeTable, attribute, listOf, listOfAnyType, NLA_F_NESTED, nested } from "../attributes.ts";
import { Body } from "../body.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import type { Codec } from "../codec.ts";
import { be32, be64, be64Number, beS32 } from "../integers.ts";
import { interfaceNameMaxBytes, nftablesNameMaxBytes, nftablesUserDataMaxBytes } from "../limits.ts";
import { type NetfilterHeader, netfilterHeader } from "../netfilter-header.ts";
import { rawBytes } from "../raw-bytes.ts";
import { terminatedText } from "../text.ts";
import { type Data, data } from "./data.ts";
import { type Expression, expression } from "./expression.ts";
import { type Counter, counter } from "./expressions/accounting.ts";

// The wire form of nftables objects, linux/netfilter/nf_tables.h. What callers use is in table.ts, chain.ts, rule.ts,
// set.ts, element.ts and batch.ts.

const HEADER = "linux/netfilter/nf_tables.h";
const name: Codec<string> = terminatedText(nftablesNameMaxBytes);
const userData: Codec<Uint8Array> = rawBytes(nftablesUserDataMaxBytes);
const elements = <T>(codec: Codec<T>): Codec<readonly T[]> => listOfAnyType("NFTA_LIST_ELEM", 1, codec, NLA_F_NESTED);

// table: enum nft_table_flags
export const tableFlagNames = { NFT_TABLE_F_DORMANT: 1, NFT_TABLE_F_OWNER: 2 } as const;

export interface WireTable {
  readonly name?: string;
  readonly flags?: FlagNames<typeof tableFlagNames>;
  readonly use?: number;
  readonly handle?: bigint;
  readonly userData?: Uint8Array;
  readonly owner?: number;
}

export const tableBody: Body<NetfilterHeader, WireTable> = new Body(
  netfilterHeader,
  new AttributeTable<WireTable>(HEADER, {
    name: attribute("NFTA_TABLE_NAME", 1, name),
    flags: attribute("NFTA_TABLE_FLAGS", 2, flagNames(be32, tableFlagNames)),
    use: attribute("NFTA_TABLE_USE", 3, be32),
    handle: attribute("NFTA_TABLE_HANDLE", 4, be64),
    userData: attribute("NFTA_TABLE_USERDATA", 6, userData),
    owner: attribute("NFTA_TABLE_OWNER", 7, be32),
  }),
);

// table: enum nft_chain_flags
export const chainFlagNames = { NFT_CHAIN_BASE: 1, NFT_CHAIN_HW_OFFLOAD: 2, NFT_CHAIN_BINDING: 4 } as const;

/** `NFTA_CHAIN_HOOK` */
export interface WireHook {
  readonly number?: number;
  readonly priority?: number;
  readonly device?: string;
  readonly devices?: readonly string[];
}

const device: Codec<string> = terminatedText(interfaceNameMaxBytes);

export const hookAttributes: AttributeTable<WireHook> = new AttributeTable<WireHook>(HEADER, {
  number: attribute("NFTA_HOOK_HOOKNUM", 1, be32),
  priority: attribute("NFTA_HOOK_PRIORITY", 2, beS32),
  device: attribute("NFTA_HOOK_DEV", 3, device),
  devices: nested("NFTA_HOOK_DEVS", 4, listOf("NFTA_DEVICE_NAME", 1, device)),
});

export interface WireChain {
  readonly table?: string;
  readonly handle?: bigint;
  readonly name?: string;
  readonly hook?: WireHook;
  readonly policy?: number;
  readonly use?: number;
  readonly type?: string;
  readonly counters?: Counter;
  readonly flags?: FlagNames<typeof chainFlagNames>;
  readonly id?: number;
  readonly userData?: Uint8Array;
}

export const chainBody: Body<NetfilterHeader, WireChain> = new Body(
  netfilterHeader,
  new AttributeTable<WireChain>(HEADER, {
    table: attribute("NFTA_CHAIN_TABLE", 1, name),
    handle: attribute("NFTA_CHAIN_HANDLE", 2, be64),
    name: attribute("NFTA_CHAIN_NAME", 3, name),
    hook: nested("NFTA_CHAIN_HOOK", 4, hookAttributes),
    policy: attribute("NFTA_CHAIN_POLICY", 5, be32),
    use: attribute("NFTA_CHAIN_USE", 6, be32),
    type: attribute("NFTA_CHAIN_TYPE", 7, name),
    counters: nested("NFTA_CHAIN_COUNTERS", 8, counter),
    flags: attribute("NFTA_CHAIN_FLAGS", 10, flagNames(be32, chainFlagNames)),
    id: attribute("NFTA_CHAIN_ID", 11, be32),
    userData: attribute("NFTA_CHAIN_USERDATA", 12, userData),
  }),
);

export interface WireRule {
  readonly table?: string;
  readonly chain?: string;
  readonly handle?: bigint;
  readonly expressions?: readonly Expression[];
  /** The handle of the rule before or behind which this one stands. */
  readonly position?: bigint;
  readonly userData?: Uint8Array;
  readonly id?: number;
  readonly positionId?: number;
  readonly chainId?: number;
}

export const ruleBody: Body<NetfilterHeader, WireRule> = new Body(
  netfilterHeader,
  new AttributeTable<WireRule>(HEADER, {
    table: attribute("NFTA_RULE_TABLE", 1, name),
    chain: attribute("NFTA_RULE_CHAIN", 2, name),
    handle: attribute("NFTA_RULE_HANDLE", 3, be64),
    expressions: nested("NFTA_RULE_EXPRESSIONS", 4, elements(expression)),
    position: attribute("NFTA_RULE_POSITION", 6, be64),
    userData: attribute("NFTA_RULE_USERDATA", 7, userData),
    id: attribute("NFTA_RULE_ID", 9, be32),
    positionId: attribute("NFTA_RULE_POSITION_ID", 10, be32),
    chainId: attribute("NFTA_RULE_CHAIN_ID", 11, be32),
  }),
);

// table: enum nft_set_flags
export const setFlagNames = {
  NFT_SET_ANONYMOUS: 0x1,
  NFT_SET_CONSTANT: 0x2,
  NFT_SET_INTERVAL: 0x4,
  NFT_SET_MAP: 0x8,
  NFT_SET_TIMEOUT: 0x10,
  NFT_SET_EVAL: 0x20,
  NFT_SET_OBJECT: 0x40,
  NFT_SET_CONCAT: 0x80,
  NFT_SET_EXPR: 0x100,
} as const;

// table: enum nft_set_policies
export const setPolicies = { performance: 0, memory: 1 } as const;

/** `NFTA_SET_DESC` */
export interface WireSetDescription {
  readonly size?: number;
  /** Bytes of each field of a concatenated key. */
  readonly fields?: readonly { readonly length?: number }[];
}

export const setFieldAttributes: AttributeTable<{ readonly length?: number }> = new AttributeTable<{
  readonly length?: number;
}>(HEADER, { length: attribute("NFTA_SET_FIELD_LEN", 1, be32) });

export const setDescriptionAttributes: AttributeTable<WireSetDescription> = new AttributeTable<WireSetDescription>(
  HEADER,
  {
    size: attribute("NFTA_SET_DESC_SIZE", 1, be32),
    fields: nested("NFTA_SET_DESC_CONCAT", 2, elements(setFieldAttributes)),
  },
);

export interface WireSet {
  readonly table?: string;
  readonly name?: string;
  readonly flags?: FlagNames<typeof setFlagNames>;
  readonly keyType?: number;
  readonly keyLength?: number;
  readonly dataType?: number;
  readonly dataLength?: number;
  readonly policy?: Choice<typeof setPolicies>;
  readonly description?: WireSetDescription;
  readonly id?: number;
  readonly timeoutMs?: number;
  readonly garbageCollectionMs?: number;
  readonly userData?: Uint8Array;
  readonly objectType?: number;
  readonly handle?: bigint;
  readonly expression?: Expression;
  readonly expressions?: readonly Expression[];
}

export const setBody: Body<NetfilterHeader, WireSet> = new Body(
  netfilterHeader,
  new AttributeTable<WireSet>(HEADER, {
    table: attribute("NFTA_SET_TABLE", 1, name),
    name: attribute("NFTA_SET_NAME", 2, name),
    flags: attribute("NFTA_SET_FLAGS", 3, flagNames(be32, setFlagNames)),
    keyType: attribute("NFTA_SET_KEY_TYPE", 4, be32),
    keyLength: attribute("NFTA_SET_KEY_LEN", 5, be32),
    dataType: attribute("NFTA_SET_DATA_TYPE", 6, be32),
    dataLength: attribute("NFTA_SET_DATA_LEN", 7, be32),
    policy: attribute("NFTA_SET_POLICY", 8, choice(be32, setPolicies)),
    description: nested("NFTA_SET_DESC", 9, setDescriptionAttributes),
    id: attribute("NFTA_SET_ID", 10, be32),
    timeoutMs: attribute("NFTA_SET_TIMEOUT", 11, be64Number),
    garbageCollectionMs: attribute("NFTA_SET_GC_INTERVAL", 12, be32),
    userData: attribute("NFTA_SET_USERDATA", 13, userData),
    objectType: attribute("NFTA_SET_OBJ_TYPE", 15, be32),
    handle: attribute("NFTA_SET_HANDLE", 16, be64),
    expression: nested("NFTA_SET_EXPR", 17, expression),
    expressions: nested("NFTA_SET_EXPRESSIONS", 18, elements(expression)),
  }),
);

// table: enum nft_set_elem_flags
export const elementFlagNames = { NFT_SET_ELEM_INTERVAL_END: 1, NFT_SET_ELEM_CATCHALL: 2 } as const;

export interface WireElement {
  readonly key?: Data;
  readonly data?: Data;
  readonly flags?: FlagNames<typeof elementFlagNames>;
  readonly timeoutMs?: number;
  readonly expirationMs?: number;
  readonly userData?: Uint8Array;
  readonly expression?: Expression;
  readonly objectName?: string;
  readonly keyEnd?: Data;
  readonly expressions?: readonly Expression[];
}

export const elementAttributes: AttributeTable<WireElement> = new AttributeTable<WireElement>(HEADER, {
  key: nested("NFTA_SET_ELEM_KEY", 1, data),
  data: nested("NFTA_SET_ELEM_DATA", 2, data),
  flags: attribute("NFTA_SET_ELEM_FLAGS", 3, flagNames(be32, elementFlagNames)),
  timeoutMs: attribute("NFTA_SET_ELEM_TIMEOUT", 4, be64Number),
  expirationMs: attribute("NFTA_SET_ELEM_EXPIRATION", 5, be64Number),
  userData: attribute("NFTA_SET_ELEM_USERDATA", 6, userData),
  expression: nested("NFTA_SET_ELEM_EXPR", 7, expression),
  objectName: attribute("NFTA_SET_ELEM_OBJREF", 9, name),
  keyEnd: nested("NFTA_SET_ELEM_KEY_END", 10, data),
  expressions: nested("NFTA_SET_ELEM_EXPRESSIONS", 11, elements(expression)),
});

export interface WireElementList {
  readonly table?: string;
  readonly set?: string;
  readonly elements?: readonly WireElement[];
  readonly setId?: number;
}

export const elementListBody: Body<NetfilterHeader, WireElementList> = new Body(
  netfilterHeader,
  new AttributeTable<WireElementList>(HEADER, {
    table: attribute("NFTA_SET_ELEM_LIST_TABLE", 1, name),
    set: attribute("NFTA_SET_ELEM_LIST_SET", 2, name),
    elements: nested("NFTA_SET_ELEM_LIST_ELEMENTS", 3, elements(elementAttributes)),
    setId: attribute("NFTA_SET_ELEM_LIST_SET_ID", 4, be32),
  }),
);

/** The state of the whole rule set: it counts up with every batch that changed something. */
export interface Generation {
  readonly id?: number;
  /** Who changed it last. */
  readonly processId?: number;
  readonly processName?: string;
}

/** `TASK_COMM_LEN` */
const PROCESS_NAME_MAX_BYTES = 16;

export const generationBody: Body<NetfilterHeader, Generation> = new Body(
  netfilterHeader,
  new AttributeTable<Generation>(HEADER, {
    id: attribute("NFTA_GEN_ID", 1, be32),
    processId: attribute("NFTA_GEN_PROC_PID", 2, be32),
    processName: attribute("NFTA_GEN_PROC_NAME", 3, terminatedText(PROCESS_NAME_MAX_BYTES)),
  }),
);

/** `enum nfnl_batch_attributes`: the batch is refused (ERESTART) when the generation is another. */
export interface BatchAttributes {
  readonly generation?: number;
}

export const batchBody: Body<NetfilterHeader, BatchAttributes> = new Body(
  netfilterHeader,
  new AttributeTable<BatchAttributes>("linux/netfilter/nfnetlink.h", {
    generation: attribute("NFNL_BATCH_GENID", 1, be32),
  }),
);
