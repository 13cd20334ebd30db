import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../../choices.ts";
import { be16, be32, be64 } from "../../integers.ts";
import { terminatedText } from "../../text.ts";

/** Counts what passes. The values are a start when written, the state when read. */
export interface Counter {
  readonly bytes?: bigint;
  readonly packets?: bigint;
}

export const counter: AttributeTable<Counter> = new AttributeTable<Counter>("linux/netfilter/nf_tables.h", {
  bytes: attribute("NFTA_COUNTER_BYTES", 1, be64),
  packets: attribute("NFTA_COUNTER_PACKETS", 2, be64),
});

// table: enum nft_limit_type and nft_limit_flags, linux/netfilter/nf_tables.h
export const limitTypes = { packets: 0, bytes: 1 } as const;
export const limitFlagNames = { NFT_LIMIT_F_INV: 1 } as const;

/** The rule goes on while no more than `rate` pass in `unitSeconds` (with NFT_LIMIT_F_INV, only past that). */
export interface Limit {
  readonly rate?: bigint;
  readonly unitSeconds?: bigint;
  /** How much may pass at once beyond the rate: packets or bytes. */
  readonly burst?: number;
  readonly type?: Choice<typeof limitTypes>;
  readonly flags?: FlagNames<typeof limitFlagNames>;
}

export const limit: AttributeTable<Limit> = new AttributeTable<Limit>("linux/netfilter/nf_tables.h", {
  rate: attribute("NFTA_LIMIT_RATE", 1, be64),
  unitSeconds: attribute("NFTA_LIMIT_UNIT", 2, be64),
  burst: attribute("NFTA_LIMIT_BURST", 3, be32),
  type: attribute("NFTA_LIMIT_TYPE", 4, choice(be32, limitTypes)),
  flags: attribute("NFTA_LIMIT_FLAGS", 5, flagNames(be32, limitFlagNames)),
});

// table: enum nft_log_level, linux/netfilter/nf_tables.h; NF_LOG_, linux/netfilter/nf_log.h
export const logLevels = {
  emerg: 0,
  alert: 1,
  crit: 2,
  err: 3,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
  audit: 8,
} as const;
export const logFlagNames = {
  NF_LOG_TCPSEQ: 0x01,
  NF_LOG_TCPOPT: 0x02,
  NF_LOG_IPOPT: 0x04,
  NF_LOG_UID: 0x08,
  NF_LOG_NFLOG: 0x10,
  NF_LOG_MACDECODE: 0x20,
} as const;

/** `NF_LOG_PREFIXLEN`, the terminating NUL included. */
const LOG_PREFIX_MAX_BYTES = 128;

/** Logs to the kernel's ring buffer, or with `group` to whoever listens to nfnetlink_log. */
export interface Log {
  readonly group?: number;
  readonly prefix?: string;
  /** Bytes of the packet that are passed on, to a group only. */
  readonly snapLengthBytes?: number;
  /** Packets that the kernel gathers before it passes them on, to a group only. */
  readonly queueThreshold?: number;
  readonly level?: Choice<typeof logLevels>;
  readonly flags?: FlagNames<typeof logFlagNames>;
}

export const log: AttributeTable<Log> = new AttributeTable<Log>("linux/netfilter/nf_tables.h", {
  group: attribute("NFTA_LOG_GROUP", 1, be16),
  prefix: attribute("NFTA_LOG_PREFIX", 2, terminatedText(LOG_PREFIX_MAX_BYTES)),
  snapLengthBytes: attribute("NFTA_LOG_SNAPLEN", 3, be32),
  queueThreshold: attribute("NFTA_LOG_QTHRESHOLD", 4, be16),
  level: attribute("NFTA_LOG_LEVEL", 5, choice(be32, logLevels)),
  flags: attribute("NFTA_LOG_FLAGS", 6, flagNames(be32, logFlagNames)),
});
