import { OrlopError } from "@orlop/core";
import { formatIpAddress, parseIpPrefix } from "../ip-address.ts";
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from "../message.ts";
import { changeRequest, decodeBody, dumpRequest, type MessageType, type NetlinkRequest } from "../request.ts";
import { type AddressFamily, familyOf } from "./address-family.ts";
import { RTM_DELRULE, RTM_GETRULE, RTM_NEWRULE } from "./message-types.ts";
import type { RouteProtocol } from "./route.ts";
import {
  type RuleAction,
  type RuleAttributes,
  type RuleFlags,
  type RuleHeader,
  type RuleRange,
  ruleBody,
} from "./rule.ts";

/** A policy routing rule: which packets look into which table. */
export interface NewRule {
  /** Needed when neither `source` nor `destination` says it. */
  readonly family?: "AF_INET" | "AF_INET6";
  /** `10.0.0.0/8` */
  readonly source?: string;
  readonly destination?: string;
  /** Interface names, not indexes: a rule may wait for an interface. */
  readonly inputInterface?: string;
  readonly outputInterface?: string;
  readonly mark?: number;
  readonly markMask?: number;
  /** Rules are tried from low to high; left out, the kernel puts the rule before the others that it does not own. */
  readonly priority?: number;
  readonly table?: number;
  /** Default `FR_ACT_TO_TBL`. */
  readonly action?: RuleAction;
  readonly goto?: number;
  /** The rule is for packets that do not match. */
  readonly invert?: boolean;
  readonly suppressPrefixLength?: number;
  readonly suppressGroup?: number;
  readonly protocol?: RouteProtocol;
  readonly uidRange?: RuleRange;
  readonly ipProtocol?: number;
  readonly sourcePorts?: RuleRange;
  readonly destinationPorts?: RuleRange;
}

/** A rule that the kernel has. */
export interface Rule extends Omit<NewRule, "family" | "invert"> {
  readonly family: AddressFamily;
  readonly priority: number;
  readonly table: number;
  readonly action: RuleAction;
  readonly flags: RuleFlags;
}

/** `ip rule add`. */
export function addRule(rule: NewRule): NetlinkRequest {
  return ruleRequest("add rule", RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

/** `ip rule del`: the first rule that has what is given here. */
export function deleteRule(rule: NewRule): NetlinkRequest {
  return ruleRequest("delete rule", RTM_DELRULE, 0, { action: "FR_ACT_UNSPEC", ...rule });
}

/** Rules of one family, or of both. */
export function listRules(family: "AF_INET" | "AF_INET6" | "AF_UNSPEC" = "AF_UNSPEC"): NetlinkRequest<Rule> {
  return dumpRequest({
    operation: "list rules",
    object: "",
    type: RTM_GETRULE,
    write: (to) => ruleBody.write({ family }, to),
    decode: decodeRule,
  });
}

/** Decodes an RTM_NEWRULE (or the RTM_DELRULE that the kernel broadcasts). Throws OrlopError("invalid"). */
export function decodeRule(message: NetlinkMessage): Rule {
  const wire = decodeBody(message, [RTM_NEWRULE, RTM_DELRULE], ruleBody);
  const { destinationLength, sourceLength, typeOfService: _, lowTable, table, ...rest } = wire;
  const { source, destination, priority, ...kept } = rest;
  return {
    ...kept,
    ...(source === undefined ? {} : { source: `${source}/${sourceLength}` }),
    ...(destination === undefined ? {} : { destination: `${destination}/${destinationLength}` }),
    // The kernel leaves the attribute out for the rule that it tries first.
    priority: priority ?? 0,
    table: table ?? lowTable,
  };
}

function ruleRequest(operation: string, type: MessageType, flags: number, rule: NewRule): NetlinkRequest {
  const value = wireRule(rule);
  const object = rule.priority === undefined ? (rule.source ?? rule.destination ?? "all") : `${rule.priority}`;
  return changeRequest({ operation, object, type, flags, write: (to) => ruleBody.write(value, to) });
}

function wireRule(rule: NewRule): Partial<RuleHeader> & RuleAttributes {
  const { family, source, destination, table, action = "FR_ACT_TO_TBL", invert, ...attributes } = rule;
  const from = source === undefined ? undefined : parseIpPrefix(source);
  const to = destination === undefined ? undefined : parseIpPrefix(destination);
  const families = [from, to].flatMap((prefix) => (prefix === undefined ? [] : [familyOf(prefix)]));
  const known = family ?? families[0];
  if (known === undefined || families.some((other) => other !== known)) {
    const reason = known === undefined ? "it names no IP version" : "its IP versions differ";
    throw new OrlopError("invalid", `Cannot encode rule "${JSON.stringify(rule)}": ${reason}`, {
      operation: "encode rule",
    });
  }
  const small = table !== undefined && table <= 255;
  return {
    family: known,
    sourceLength: from?.prefixLength ?? 0,
    destinationLength: to?.prefixLength ?? 0,
    action,
    ...(invert === true ? { flags: ["FIB_RULE_INVERT"] } : {}),
    ...(small ? { lowTable: table } : {}),
    ...(from === undefined ? {} : { source: formatIpAddress(from.bytes) }),
    ...(to === undefined ? {} : { destination: formatIpAddress(to.bytes) }),
    ...attributes,
    ...(table === undefined || small ? {} : { table }),
  };
}
