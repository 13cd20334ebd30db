import type { Expression } from "../expression.ts";
import type { Log } from "../expressions/accounting.ts";
import { rejectCodes } from "../expressions/reject.ts";
import type { RuleContext, Statement } from "../rule-context.ts";
import { meta } from "./fields.ts";

/** Counts packets and bytes from here on. */
export function counter(start: { readonly packets?: bigint; readonly bytes?: bigint } = {}): Statement {
  const { packets, bytes } = start;
  const data = { ...(bytes === undefined ? {} : { bytes }), ...(packets === undefined ? {} : { packets }) };
  return () => [{ kind: "counter", data }];
}

/** Logs the packet: to the kernel's log, or with `group` to a listener. */
export function log(options: Log = {}): Statement {
  return () => [{ kind: "log", data: options }];
}

/** Leaves conntrack out, in chains before it (priority raw). */
export const notrack: Statement = () => [{ kind: "notrack" }];

const PER_SECONDS = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n, week: 604_800n } as const;

export interface RateLimit {
  readonly rate: bigint;
  readonly per: keyof typeof PER_SECONDS;
  /** Default packets. */
  readonly unit?: "packets" | "bytes";
  /** How much more may pass at once; default 5 for packets, 0 for bytes, as nft has it. */
  readonly burst?: number;
  /** The rule goes on only for what is past the limit. */
  readonly over?: boolean;
}

/** nft(8)'s default burst of packets. */
const BURST_PACKETS = 5;

/** The rule goes on while no more than the rate passes. */
export function limit(options: RateLimit): Statement {
  const { rate, per, unit = "packets", burst = unit === "packets" ? BURST_PACKETS : 0, over = false } = options;
  const flags = over ? (["NFT_LIMIT_F_INV"] as const) : [];
  const data = { rate, unitSeconds: PER_SECONDS[per], ...(burst === 0 ? {} : { burst }), type: unit, flags };
  return () => [{ kind: "limit", data }];
}

/** Drops the packet and answers with an ICMP error, or for `tcpReset` with a TCP reset. Default: port unreachable. */
export function reject(answer: keyof typeof rejectCodes | "tcpReset" = "portUnreachable"): Statement {
  return (context) =>
    answer === "tcpReset"
      ? [...meta.l4proto.ensure(context, "tcp"), { kind: "reject", data: { type: "tcpReset", code: 0 } }]
      : [icmpReject(context, answer)];
}

// table: linux/icmp.h and linux/icmpv6.h: the codes of "destination unreachable" for `rejectCodes`
const ICMP_CODES = { noRoute: 0, portUnreachable: 3, hostUnreachable: 1, adminProhibited: 13 } as const;
const ICMPV6_CODES = { noRoute: 0, portUnreachable: 4, hostUnreachable: 3, adminProhibited: 1 } as const;

function icmpReject(context: RuleContext, answer: keyof typeof rejectCodes): Expression {
  if (context.family === "ip") return { kind: "reject", data: { type: "icmp", code: ICMP_CODES[answer] } };
  if (context.family === "ip6") return { kind: "reject", data: { type: "icmp", code: ICMPV6_CODES[answer] } };
  return { kind: "reject", data: { type: "icmpx", code: rejectCodes[answer] } };
}
