import { OrlopError } from "@orlop/core";
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from "../message.ts";
import type { NetfilterFamily } from "../netfilter-header.ts";
import { changeRequest, decodeBody, dumpRequest, type NetlinkRequest } from "../request.ts";
import type { Counter } from "./expressions/accounting.ts";
import { NFT_MSG_DELCHAIN, NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN } from "./message-types.ts";
import type { TableFamily, TableReference } from "./table.ts";
import { commentOf, commentRecord, encodeUserData, userDataTypes } from "./user-data.ts";
import { verdictCodes } from "./verdict.ts";
import { chainBody, type WireHook } from "./wire.ts";

export type ChainHook = "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress";

// table: enum nf_inet_hooks, nf_dev_hooks and NF_ARP_, linux/netfilter.h and netfilter_arp.h, as nft(8) names them
const INET_HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const chainHooks: Readonly<Record<TableFamily, Readonly<Partial<Record<ChainHook, number>>>>> = {
  ip: INET_HOOKS,
  ip6: INET_HOOKS,
  inet: { ...INET_HOOKS, ingress: 5 },
  bridge: INET_HOOKS,
  arp: { input: 0, output: 1 },
  netdev: { ingress: 0, egress: 1 },
};

/** Priorities by nft(8)'s names: chains of one hook run from low to high. Not those of family bridge. */
export const chainPriorities = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
/** The same for family bridge. */
export const bridgeChainPriorities = { dstnat: -300, filter: -200, out: 100, srcnat: 300 } as const;

/** What makes a chain a base chain: packets enter it by themselves. */
export interface ChainBase {
  readonly type: "filter" | "nat" | "route";
  readonly hook: ChainHook;
  readonly priority: number;
  /** What becomes of packets that reach the end; default accept. */
  readonly policy?: "accept" | "drop";
  /** Interfaces by name, for `ingress` and `egress`. */
  readonly devices?: readonly string[];
}

/** Which chain. */
export interface ChainReference extends TableReference {
  readonly chain: string;
}

export interface NewChain extends ChainReference {
  /** Left out for a chain that others jump to. */
  readonly base?: ChainBase;
  readonly comment?: string;
}

/** A chain that the kernel has. */
export interface Chain {
  readonly family: NetfilterFamily;
  readonly table: string;
  readonly chain: string;
  readonly handle: bigint;
  readonly use: number;
  readonly base?: {
    readonly type: string;
    /** The hook's name, or its number where the family has none for it. */
    readonly hook: ChainHook | number;
    readonly priority: number;
    readonly policy: "accept" | "drop";
    readonly devices?: readonly string[];
    readonly counter?: Counter;
  };
  readonly comment?: string;
}

/** For errors: `inet orlop forward`. */
export function describeChain(reference: ChainReference): string {
  return `${reference.family} ${reference.table} ${reference.chain}`;
}

/** `nft add chain`; with `exclusive`, `nft create chain`. Goes into a batch. */
export function addChain(chain: NewChain, options: { readonly exclusive?: boolean } = {}): NetlinkRequest {
  const { family, table, chain: name, base, comment } = chain;
  const value = {
    family,
    table,
    name,
    ...(base === undefined ? {} : { type: base.type }),
    ...(base?.policy === undefined ? {} : { policy: verdictCodes[base.policy] }),
    ...(base === undefined ? {} : { hook: wireHook(chain, base) }),
    ...(comment === undefined
      ? {}
      : { userData: encodeUserData([commentRecord(userDataTypes.chain.comment, comment)]) }),
  };
  return changeRequest({
    operation: "add chain",
    object: describeChain(chain),
    type: NFT_MSG_NEWCHAIN,
    flags: NLM_F_CREATE | (options.exclusive === true ? NLM_F_EXCL : 0),
    write: (to) => chainBody.write(value, to),
  });
}

/** `nft delete chain`: EBUSY while it has rules or is jumped to. Goes into a batch. */
export function deleteChain(chain: ChainReference): NetlinkRequest {
  return changeRequest({
    operation: "delete chain",
    object: describeChain(chain),
    type: NFT_MSG_DELCHAIN,
    write: (to) => chainBody.write({ family: chain.family, table: chain.table, name: chain.chain }, to),
  });
}

/** Chains of one family, or of all. */
export function listChains(family?: TableFamily): NetlinkRequest<Chain> {
  return dumpRequest({
    operation: "list chains",
    object: family ?? "",
    type: NFT_MSG_GETCHAIN,
    write: (to) => chainBody.write({ family: family ?? "unspecified" }, to),
    decode: decodeChain,
  });
}

/** Decodes an NFT_MSG_NEWCHAIN. Throws OrlopError("invalid"). */
export function decodeChain(message: NetlinkMessage): Chain {
  const wire = decodeBody(message, [NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN], chainBody);
  const comment = commentOf(wire.userData, userDataTypes.chain.comment);
  const { hook, type, policy, counters } = wire;
  const devices = hook?.devices ?? (hook?.device === undefined ? undefined : [hook.device]);
  const base =
    hook === undefined
      ? undefined
      : {
          type: type ?? "",
          hook: hookName(wire.family, hook.number ?? 0),
          priority: hook.priority ?? 0,
          policy: policy === verdictCodes.drop ? ("drop" as const) : ("accept" as const),
          ...(devices === undefined ? {} : { devices }),
          ...(counters === undefined ? {} : { counter: counters }),
        };
  return {
    family: wire.family,
    table: wire.table ?? "",
    chain: wire.name ?? "",
    handle: wire.handle ?? 0n,
    use: wire.use ?? 0,
    ...(base === undefined ? {} : { base }),
    ...(comment === undefined ? {} : { comment }),
  };
}

function wireHook(chain: NewChain, base: ChainBase): WireHook {
  const hooks = chainHooks[chain.family];
  const number = Object.hasOwn(hooks, base.hook) ? hooks[base.hook] : undefined;
  if (number === undefined) {
    const reason = `family ${chain.family} has only the hooks ${Object.keys(hooks).join(", ")}`;
    throw new OrlopError("invalid", `Cannot hook chain "${describeChain(chain)}" into ${base.hook}: ${reason}`, {
      operation: "add chain",
    });
  }
  const { devices } = base;
  const [first] = devices ?? [];
  return {
    number,
    priority: base.priority,
    // The attribute for several came with Linux 5.5; the one for a single device is understood by all.
    ...(first === undefined ? {} : devices?.length === 1 ? { device: first } : { devices: devices ?? [] }),
  };
}

function hookName(family: NetfilterFamily, number: number): ChainHook | number {
  const hooks = typeof family === "string" && family !== "unspecified" ? chainHooks[family] : {};
  const found = Object.entries(hooks).find(([, candidate]) => candidate === number);
  return found === undefined ? number : (found[0] as ChainHook);
}
