import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import { u8, u16, u32 } from "../integers.ts";
import { ipAddress } from "../ip-address.ts";
import { field, Layout } from "../layout.ts";
import { interfaceNameMaxBytes } from "../limits.ts";
import { terminatedText } from "../text.ts";
import { type AddressFamily, addressFamily } from "./address-family.ts";
import { type RouteProtocol, routeProtocols } from "./route.ts";

// The wire form of policy routing rules, linux/fib_rules.h.

// table: FR_ACT_
export const ruleActions = {
  FR_ACT_UNSPEC: 0,
  FR_ACT_TO_TBL: 1,
  FR_ACT_GOTO: 2,
  FR_ACT_NOP: 3,
  FR_ACT_BLACKHOLE: 6,
  FR_ACT_UNREACHABLE: 7,
  FR_ACT_PROHIBIT: 8,
} as const;
export type RuleAction = Choice<typeof ruleActions>;

// table: FIB_RULE_
export const ruleFlagNames = {
  FIB_RULE_PERMANENT: 0x1,
  FIB_RULE_INVERT: 0x2,
  FIB_RULE_UNRESOLVED: 0x4,
  FIB_RULE_IIF_DETACHED: 0x8,
  FIB_RULE_OIF_DETACHED: 0x10,
  FIB_RULE_FIND_SADDR: 0x1_0000,
} as const;
export type RuleFlags = FlagNames<typeof ruleFlagNames>;

/** `struct fib_rule_hdr`. */
export interface RuleHeader {
  readonly family: AddressFamily;
  readonly destinationLength: number;
  readonly sourceLength: number;
  readonly typeOfService: number;
  readonly lowTable: number;
  readonly action: RuleAction;
  readonly flags: RuleFlags;
}

/** `struct fib_rule_uid_range` and `struct fib_rule_port_range`: both ends belong to it. */
export interface RuleRange {
  readonly start: number;
  readonly end: number;
}

export const ruleUidRange: Layout<RuleRange> = new Layout<RuleRange>({
  struct: "fib_rule_uid_range",
  header: "linux/fib_rules.h",
  size: 8,
  fields: { start: field("start", u32, 0, 4), end: field("end", u32, 4, 4) },
});

export const rulePortRange: Layout<RuleRange> = new Layout<RuleRange>({
  struct: "fib_rule_port_range",
  header: "linux/fib_rules.h",
  size: 4,
  fields: { start: field("start", u16, 0, 2), end: field("end", u16, 2, 2) },
});

export interface RuleAttributes {
  readonly destination?: string;
  readonly source?: string;
  readonly inputInterface?: string;
  readonly outputInterface?: string;
  /** Priority of the rule that a `FR_ACT_GOTO` continues at. */
  readonly goto?: number;
  readonly priority?: number;
  readonly mark?: number;
  readonly markMask?: number;
  /** The rule does not count when the route found leaves by an interface of this group. */
  readonly suppressGroup?: number;
  /** The rule does not count when the route found has this prefix length or a shorter one. */
  readonly suppressPrefixLength?: number;
  readonly table?: number;
  readonly protocol?: RouteProtocol;
  readonly uidRange?: RuleRange;
  /** IPPROTO_ number. */
  readonly ipProtocol?: number;
  readonly sourcePorts?: RuleRange;
  readonly destinationPorts?: RuleRange;
}

export const ruleBody: Body<RuleHeader, RuleAttributes> = new Body(
  new Layout<RuleHeader>({
    struct: "fib_rule_hdr",
    header: "linux/fib_rules.h",
    size: 12,
    fields: {
      family: field("family", addressFamily, 0, 1),
      destinationLength: field("dst_len", u8, 1, 1),
      sourceLength: field("src_len", u8, 2, 1),
      typeOfService: field("tos", u8, 3, 1),
      lowTable: field("table", u8, 4, 1),
      action: field("action", choice(u8, ruleActions), 7, 1),
      flags: field("flags", flagNames(u32, ruleFlagNames), 8, 4),
    },
    padding: [[5, 2]],
  }),
  new AttributeTable<RuleAttributes>("linux/fib_rules.h", {
    destination: attribute("FRA_DST", 1, ipAddress),
    source: attribute("FRA_SRC", 2, ipAddress),
    inputInterface: attribute("FRA_IIFNAME", 3, terminatedText(interfaceNameMaxBytes)),
    goto: attribute("FRA_GOTO", 4, u32),
    priority: attribute("FRA_PRIORITY", 6, u32),
    mark: attribute("FRA_FWMARK", 10, u32),
    suppressGroup: attribute("FRA_SUPPRESS_IFGROUP", 13, u32),
    suppressPrefixLength: attribute("FRA_SUPPRESS_PREFIXLEN", 14, u32),
    table: attribute("FRA_TABLE", 15, u32),
    markMask: attribute("FRA_FWMASK", 16, u32),
    outputInterface: attribute("FRA_OIFNAME", 17, terminatedText(interfaceNameMaxBytes)),
    uidRange: attribute("FRA_UID_RANGE", 20, ruleUidRange),
    protocol: attribute("FRA_PROTOCOL", 21, choice(u8, routeProtocols)),
    ipProtocol: attribute("FRA_IP_PROTO", 22, u8),
    sourcePorts: attribute("FRA_SPORT_RANGE", 23, rulePortRange),
    destinationPorts: attribute("FRA_DPORT_RANGE", 24, rulePortRange),
  }),
);
