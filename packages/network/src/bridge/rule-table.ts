import type { NetlinkRequest } from "@orlop/kernel/netlink";
import {
  accept,
  addChain,
  addRule,
  addSet,
  addTable,
  bridgeChainPriorities,
  type ChainBase,
  chainPriorities,
  concatenate,
  ct,
  dnat,
  drop,
  ether,
  fib,
  ip,
  ip6,
  jump,
  masquerade,
  meta,
  type NewSet,
  reject,
  returnToCaller,
  type Statement,
  type TableReference,
  th,
} from "@orlop/kernel/nftables";
import { ENTRANCE_CHAINS, ENTRANCE_SETS, ENTRANCE_TABLE, type EntranceSetName } from "./entrance-table.ts";

/**
 * All of ours, for every set of records that uses this kernel. Its rules never change while it is there: what networks and
 * endpoints come and go with are elements of sets. A packet that it accepts is still looked at by the chains of others, so
 * that no firewall of the host is opened by it.
 */
export const TABLE: TableReference = { family: "inet", table: "orlop" };

/**
 * Beside it, once an endpoint has an egress policy: whoever has all rights in a namespace can give itself any address, but
 * not send from another interface.
 */
const SOURCE_TABLE: TableReference = { family: "bridge", table: "orlop" };

/** Goes up when rules change: a table with another one is none that this version can work with. */
export const LAYOUT_CHAIN = "layout-5";

const set = (name: string, key: NewSet["key"], more: Partial<NewSet> = {}): NewSet => ({
  ...TABLE,
  set: name,
  key,
  ...more,
});
const sourceSet = (name: string, ...key: NewSet["key"]): NewSet => set(name, key, SOURCE_TABLE);

export type SetName =
  | "bridges"
  | "within"
  | "internal"
  | "hidden"
  | "published4"
  | "published6"
  | "everywhere4"
  | "everywhere6"
  | "admitted4"
  | "admitted6"
  | "itself4"
  | "itself6"
  | "limited4"
  | "limited6"
  | "reach4"
  | "reach6"
  | "services4"
  | "services6"
  | "found4"
  | "found6"
  | "foundServices4"
  | "foundServices6"
  | "questions4"
  | "questions6"
  | "answers4"
  | "answers6"
  | "closed4"
  | "closed6"
  | "checked"
  | "sources4"
  | "sources6"
  | EntranceSetName;

/** The sets, by what they are for. */
export const SETS: Readonly<Record<SetName, NewSet>> = {
  /** Bridges of networks. */
  bridges: set("bridges", ["ifname"]),
  /** Twice the same bridge: what goes between its own endpoints. */
  within: set("within", ["ifname", "ifname"]),
  /** Bridges without a way out. */
  internal: set("internal", ["ifname"]),
  /** Bridges whose endpoints are hidden behind the address of the host. */
  hidden: set("hidden", ["ifname"]),
  /** From a port of one address of the host to a port of an endpoint. */
  published4: set("published4", ["ipv4_addr", "inet_proto", "inet_service"], { value: ["ipv4_addr", "inet_service"] }),
  published6: set("published6", ["ipv6_addr", "inet_proto", "inet_service"], { value: ["ipv6_addr", "inet_service"] }),
  /** The same for all addresses of the host. */
  everywhere4: set("everywhere4", ["inet_proto", "inet_service"], { value: ["ipv4_addr", "inet_service"] }),
  everywhere6: set("everywhere6", ["inet_proto", "inet_service"], { value: ["ipv6_addr", "inet_service"] }),
  /** From the interface of a process that leads ports of the machine on, to a port of an endpoint. */
  admitted4: set("admitted4", ["ifname", "ipv4_addr", "inet_proto", "inet_service"]),
  admitted6: set("admitted6", ["ifname", "ipv6_addr", "inet_proto", "inet_service"]),
  /** Twice the same address of an endpoint. */
  itself4: set("itself4", ["ipv4_addr", "ipv4_addr"]),
  itself6: set("itself6", ["ipv6_addr", "ipv6_addr"]),
  /** Addresses of endpoints with an egress policy. */
  limited4: set("limited4", ["ipv4_addr"]),
  limited6: set("limited6", ["ipv6_addr"]),
  /** From an endpoint to what it may talk to by any protocol. */
  reach4: set("reach4", ["ipv4_addr", "ipv4_addr"], { interval: true }),
  reach6: set("reach6", ["ipv6_addr", "ipv6_addr"], { interval: true }),
  /** From an endpoint to the ports that it may talk to. */
  services4: set("services4", ["ipv4_addr", "ipv4_addr", "inet_proto", "inet_service"], { interval: true }),
  services6: set("services6", ["ipv6_addr", "ipv6_addr", "inet_proto", "inet_service"], { interval: true }),
  /** The same for addresses that a name stands for, as long as it does. */
  found4: set("found4", ["ipv4_addr", "ipv4_addr"], { timeout: true }),
  found6: set("found6", ["ipv6_addr", "ipv6_addr"], { timeout: true }),
  foundServices4: set("found-services4", ["ipv4_addr", "ipv4_addr", "inet_proto", "inet_service"], {
    interval: true,
    timeout: true,
  }),
  foundServices6: set("found-services6", ["ipv6_addr", "ipv6_addr", "inet_proto", "inet_service"], {
    interval: true,
    timeout: true,
  }),
  /** From a gateway's port for names, as a bridge has it, to where they are answered. */
  questions4: set("questions4", ["ifname", "ipv4_addr", "inet_proto", "inet_service"], {
    value: ["ipv4_addr", "inet_service"],
  }),
  questions6: set("questions6", ["ifname", "ipv6_addr", "inet_proto", "inet_service"], {
    value: ["ipv6_addr", "inet_service"],
  }),
  /** Where names are answered. */
  answers4: set("answers4", ["ifname", "ipv4_addr", "inet_proto", "inet_service"]),
  answers6: set("answers6", ["ifname", "ipv6_addr", "inet_proto", "inet_service"]),
  /** Interfaces that would lead from nothing of ours to nothing of ours, had forwarding not been switched on for us. */
  closed4: set("closed4", ["ifname"]),
  closed6: set("closed6", ["ifname"]),
  /** Interfaces of endpoints that have to send from their own addresses. */
  checked: sourceSet("checked", "ifname"),
  sources4: sourceSet("sources4", "ifname", "ipv4_addr"),
  sources6: sourceSet("sources6", "ifname", "ipv6_addr"),
  ...ENTRANCE_SETS,
};

export interface ChainOfRules {
  readonly base?: ChainBase;
  readonly rules: readonly (readonly [comment: string, ...statements: Statement[]])[];
}

const LOOPBACK = "127.0.0.0/8";
const local = fib(["daddr"], "type").is("local");
const known = ct.state.has("established", "related");
const transport = [meta.l4proto, th.dport] as const;

/** What is sent to a published port goes to its endpoint. */
const TO_ENDPOINTS: ChainOfRules["rules"] = [
  ["published on one address", dnat({ from: concatenate(ip.daddr, ...transport).mappedBy(SETS.published4) })],
  ["published on one address", dnat({ from: concatenate(ip6.daddr, ...transport).mappedBy(SETS.published6) })],
  [
    "published everywhere",
    meta.nfproto.is("ipv4"),
    local,
    dnat({ from: concatenate(...transport).mappedBy(SETS.everywhere4) }),
  ],
  [
    "published everywhere",
    meta.nfproto.is("ipv6"),
    local,
    dnat({ from: concatenate(...transport).mappedBy(SETS.everywhere6) }),
  ],
];

/** What names are asked for goes to our own process, whoever else listens on that port of the host. */
const TO_ANSWERS: ChainOfRules["rules"] = [
  ["names", dnat({ from: concatenate(meta.iifname, ip.daddr, ...transport).mappedBy(SETS.questions4) })],
  ["names", dnat({ from: concatenate(meta.iifname, ip6.daddr, ...transport).mappedBy(SETS.questions6) })],
];

const CHAINS: Readonly<Record<string, ChainOfRules>> = {
  // What a loopback address is on is this machine alone. A bridge routes those addresses while a port is published on them
  // (route_localnet), and without these rules its endpoints could reach what listens there (CVE-2020-8558).
  guard: {
    base: { type: "filter", hook: "prerouting", priority: chainPriorities.raw },
    rules: [
      ["CVE-2020-8558", meta.iifname.isNot("lo"), ip.daddr.is(LOOPBACK), drop],
      ["CVE-2020-8558", meta.iifname.isNot("lo"), ip.saddr.is(LOOPBACK), drop],
    ],
  },
  prerouting: {
    base: { type: "nat", hook: "prerouting", priority: chainPriorities.dstnat },
    rules: [...TO_ANSWERS, ...TO_ENDPOINTS],
  },
  output: { base: { type: "nat", hook: "output", priority: chainPriorities.dstnat }, rules: TO_ENDPOINTS },
  postrouting: {
    base: { type: "nat", hook: "postrouting", priority: chainPriorities.srcnat },
    rules: [
      ["a way out", meta.iifname.in(SETS.hidden), meta.oifname.notIn(SETS.bridges), masquerade()],
      ["a port published on loopback", ip.saddr.is(LOOPBACK), meta.oifname.in(SETS.bridges), masquerade()],
      // Answers would go from one endpoint to the other directly, and not be those that it waits for. With br_netfilter they
      // are seen on their way, and only who asks itself must not see so.
      [
        "a port published by a neighbour",
        concatenate(meta.iifname, meta.oifname).in(SETS.within),
        ct.status.has("dnat"),
        masquerade(),
      ],
      ["a port published by itself", concatenate(ip.saddr, ip.daddr).in(SETS.itself4), masquerade()],
      ["a port published by itself", concatenate(ip6.saddr, ip6.daddr).in(SETS.itself6), masquerade()],
    ],
  },
  forward: {
    base: { type: "filter", hook: "forward", priority: chainPriorities.filter },
    rules: [
      ["of a connection that was allowed", known, accept],
      ["within one network", concatenate(meta.iifname, meta.oifname).in(SETS.within), accept],
      ["an egress policy", ip.saddr.in(SETS.limited4), jump("egress")],
      ["an egress policy", ip6.saddr.in(SETS.limited6), jump("egress")],
      ["no way out", meta.iifname.in(SETS.internal), drop],
      ["no way in", meta.oifname.in(SETS.internal), drop],
      ["a published port", ct.status.has("dnat"), accept],
      ["a published port", concatenate(meta.iifname, ip.daddr, ...transport).in(SETS.admitted4), accept],
      ["a published port", concatenate(meta.iifname, ip6.daddr, ...transport).in(SETS.admitted6), accept],
      ["from another network, or to a port that is not published", meta.oifname.in(SETS.bridges), drop],
      ["forwarding is for containers", meta.nfproto.is("ipv4"), meta.iifname.in(SETS.closed4), drop],
      ["forwarding is for containers", meta.nfproto.is("ipv6"), meta.iifname.in(SETS.closed6), drop],
    ],
  },
  input: {
    base: { type: "filter", hook: "input", priority: chainPriorities.filter },
    rules: [
      ["of a connection that was allowed", known, accept],
      ["neighbours are looked for", meta.l4proto.is("icmpv6"), accept],
      ["names", concatenate(meta.iifname, ip.daddr, ...transport).in(SETS.answers4), accept],
      ["names", concatenate(meta.iifname, ip6.daddr, ...transport).in(SETS.answers6), accept],
      ["an egress policy", ip.saddr.in(SETS.limited4), jump("egress")],
      ["an egress policy", ip6.saddr.in(SETS.limited6), jump("egress")],
      ["no way to the host", meta.iifname.in(SETS.internal), drop],
    ],
  },
  egress: {
    rules: [
      ["allowed", concatenate(ip.saddr, ip.daddr).in(SETS.reach4), returnToCaller],
      ["allowed", concatenate(ip6.saddr, ip6.daddr).in(SETS.reach6), returnToCaller],
      ["allowed", concatenate(ip.saddr, ip.daddr, ...transport).in(SETS.services4), returnToCaller],
      ["allowed", concatenate(ip6.saddr, ip6.daddr, ...transport).in(SETS.services6), returnToCaller],
      ["allowed by name", concatenate(ip.saddr, ip.daddr).in(SETS.found4), returnToCaller],
      ["allowed by name", concatenate(ip6.saddr, ip6.daddr).in(SETS.found6), returnToCaller],
      ["allowed by name", concatenate(ip.saddr, ip.daddr, ...transport).in(SETS.foundServices4), returnToCaller],
      ["allowed by name", concatenate(ip6.saddr, ip6.daddr, ...transport).in(SETS.foundServices6), returnToCaller],
      ["not allowed", reject("adminProhibited")],
    ],
  },
  [LAYOUT_CHAIN]: { rules: [] },
};

const isNeighbourSearch = meta.l4proto.is("icmpv6");

const SOURCE_CHAINS: Readonly<Record<string, ChainOfRules>> = {
  sources: {
    rules: [
      ["its own address", concatenate(meta.iifname, ip.saddr).in(SETS.sources4), returnToCaller],
      ["its own address", concatenate(meta.iifname, ip6.saddr).in(SETS.sources6), returnToCaller],
      ["neighbours are looked for", ether.type.is("arp"), returnToCaller],
      ["neighbours are looked for", ip6.saddr.is("fe80::/10"), isNeighbourSearch, returnToCaller],
      ["neighbours are looked for", ip6.saddr.is("::"), isNeighbourSearch, returnToCaller],
      ["not its own address", drop],
    ],
  },
  prerouting: {
    base: { type: "filter", hook: "prerouting", priority: bridgeChainPriorities.dstnat },
    rules: [["an egress policy", meta.iifname.in(SETS.checked), jump("sources")]],
  },
  [LAYOUT_CHAIN]: { rules: [] },
};

interface Table {
  readonly reference: TableReference;
  readonly chains: Readonly<Record<string, ChainOfRules>>;
}

/** Each is made with the first element that goes into it, the first one always. */
const TABLES: readonly [Table, ...Table[]] = [
  { reference: TABLE, chains: CHAINS },
  { reference: SOURCE_TABLE, chains: SOURCE_CHAINS },
  { reference: ENTRANCE_TABLE, chains: { ...ENTRANCE_CHAINS, [LAYOUT_CHAIN]: { rules: [] } } },
];

/** The tables that elements of these sets go into. */
export function tablesOf(names: readonly SetName[]): readonly TableReference[] {
  const [always, ...others] = TABLES.map(({ reference }) => reference);
  const used = others.filter((each) => names.some((name) => isSame(SETS[name], each)));
  return always === undefined ? used : [always, ...used];
}

function isSame(one: TableReference, other: TableReference): boolean {
  return one.family === other.family && one.table === other.table;
}

/** Makes the table, with its sets and rules; EEXIST (`exists`) where it is there. Goes into a batch. */
export function createTable(table: TableReference): readonly NetlinkRequest<unknown>[] {
  const chainsOf = Object.entries(TABLES.find(({ reference }) => isSame(reference, table))?.chains ?? {});
  const chains = chainsOf.map(([chain, { base }]) => ({ ...table, chain, ...(base && { base }) }));
  const rules = chainsOf.flatMap(([chain, own]) =>
    own.rules.map(([comment, ...statements]) => ({ ...table, chain, comment, statements })),
  );
  return [
    addTable({ ...table, comment: "networks of containers" }, { exclusive: true }),
    ...chains.map((chain) => addChain(chain)),
    ...Object.values(SETS)
      .filter((each) => isSame(each, table))
      .map((each) => addSet(each)),
    ...rules.map((rule) => addRule(rule)),
  ];
}
