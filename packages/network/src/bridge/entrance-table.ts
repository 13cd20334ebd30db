import {
  chainPriorities,
  concatenate,
  ct,
  dnat,
  meta,
  type NewSet,
  type TableReference,
  th,
} from "@orlop/kernel/nftables";
import type { ChainOfRules } from "./rule-table.ts";

/**
 * Beside the table of networks, where ports are published by a process with an interface of its own for each: answers go out by
 * the interface that the connection came in by, whatever the routes say.
 */
export const ENTRANCE_TABLE: TableReference = { family: "inet", table: "orlop-entrances" };

export type EntranceSetName = "entrances" | "marks" | "inside4" | "inside6";

const set = (name: string, key: NewSet["key"], value?: NewSet["value"]): NewSet => ({
  ...ENTRANCE_TABLE,
  set: name,
  key,
  ...(value === undefined ? {} : { value }),
});

export const ENTRANCE_SETS: Readonly<Record<EntranceSetName, NewSet>> = {
  /** From an interface that a port comes in by to the mark of its connections. */
  entrances: set("entrances", ["ifname"], ["mark"]),
  /** These marks: each is the number of the routes of its answers, too. */
  marks: set("marks", ["mark"]),
  /** From an interface and a port to an endpoint's: the process sends to whatever address it has seen last. */
  inside4: set("inside4", ["ifname", "inet_proto", "inet_service"], ["ipv4_addr", "inet_service"]),
  inside6: set("inside6", ["ifname", "inet_proto", "inet_service"], ["ipv6_addr", "inet_service"]),
};

const { entrances, marks, inside4, inside6 } = ENTRANCE_SETS;
const came = concatenate(meta.iifname, meta.l4proto, th.dport);

export const ENTRANCE_CHAINS: Readonly<Record<string, ChainOfRules>> = {
  marking: {
    base: { type: "filter", hook: "prerouting", priority: chainPriorities.mangle },
    rules: [
      ["an answer", ct.direction.is("reply"), ct.mark.in(marks), meta.mark.copyFrom(ct.mark)],
      ["a published port", ct.mark.setFrom(meta.iifname.mappedBy(entrances))],
    ],
  },
  prerouting: {
    base: { type: "nat", hook: "prerouting", priority: chainPriorities.dstnat },
    rules: [
      ["a published port", meta.nfproto.is("ipv4"), dnat({ from: came.mappedBy(inside4) })],
      ["a published port", meta.nfproto.is("ipv6"), dnat({ from: came.mappedBy(inside6) })],
    ],
  },
};
