import { type NetlinkMessage, NLM_F_APPEND, NLM_F_CREATE, NLM_F_ECHO, NLM_F_REPLACE } from "../message.ts";
import type { NetfilterFamily } from "../netfilter-header.ts";
import { changeRequest, decodeBody, dumpRequest, getRequest, type NetlinkRequest } from "../request.ts";
import { type ChainReference, describeChain } from "./chain.ts";
import type { Expression } from "./expression.ts";
import { NFT_MSG_DELRULE, NFT_MSG_GETRULE, NFT_MSG_NEWRULE } from "./message-types.ts";
import { compileStatements, type Statement } from "./rule-context.ts";
import { describeTable, type TableFamily, type TableReference } from "./table.ts";
import { commentOf, commentRecord, encodeUserData, userDataTypes } from "./user-data.ts";
import { ruleBody } from "./wire.ts";

export interface NewRule extends ChainReference {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

/** Where a rule goes. Handles are the kernel's names for rules: `Rule.handle`. */
export type RulePlace =
  | { readonly at: "end" | "start" }
  | { readonly after: bigint }
  | { readonly before: bigint }
  | { readonly instead: bigint };

/** A rule that the kernel has. */
export interface Rule {
  readonly family: NetfilterFamily;
  readonly table: string;
  readonly chain: string;
  readonly handle: bigint;
  /** The handle of the rule before this one. */
  readonly position?: bigint;
  readonly expressions: readonly Expression[];
  readonly comment?: string;
}

export interface RuleAdditionOptions {
  /** Default: the end of the chain. */
  readonly place?: RulePlace;
  /** Have the kernel send the new rule back, with its handle, as a value of the exchange. */
  readonly echo?: boolean;
}

/** `nft add rule`, `insert rule` and `replace rule`. Goes into a batch. */
export function addRule(rule: NewRule, options: RuleAdditionOptions = {}): NetlinkRequest<Rule> {
  const { family, table, chain, comment } = rule;
  const { place = { at: "end" }, echo = false } = options;
  const expressions = compileStatements(family, rule.statements);
  const [placeFlags, placeAttributes] = wirePlace(place);
  const value = {
    family,
    table,
    chain,
    ...("handle" in placeAttributes ? placeAttributes : {}),
    expressions,
    ...("position" in placeAttributes ? placeAttributes : {}),
    ...(comment === undefined
      ? {}
      : { userData: encodeUserData([commentRecord(userDataTypes.rule.comment, comment)]) }),
  };
  return getRequest({
    operation: "add rule to chain",
    object: describeChain(rule),
    type: NFT_MSG_NEWRULE,
    flags: placeFlags | (echo ? NLM_F_ECHO : 0),
    write: (to) => ruleBody.write(value, to),
    decode: decodeRule,
  });
}

function wirePlace(place: RulePlace): [number, { handle: bigint } | { position: bigint } | Record<never, never>] {
  if ("instead" in place) return [NLM_F_REPLACE, { handle: place.instead }];
  if ("after" in place) return [NLM_F_CREATE | NLM_F_APPEND, { position: place.after }];
  if ("before" in place) return [NLM_F_CREATE, { position: place.before }];
  return [NLM_F_CREATE | (place.at === "end" ? NLM_F_APPEND : 0), {}];
}

/** `nft delete rule`. Goes into a batch. */
export function deleteRule(rule: ChainReference & { readonly handle: bigint }): NetlinkRequest {
  const { family, table, chain, handle } = rule;
  return changeRequest({
    operation: `delete rule ${handle} of chain`,
    object: describeChain(rule),
    type: NFT_MSG_DELRULE,
    write: (to) => ruleBody.write({ family, table, chain, handle }, to),
  });
}

/** `nft flush chain`, and without a chain `nft flush table`: every rule goes. Goes into a batch. */
export function deleteRules(place: TableReference & { readonly chain?: string }): NetlinkRequest {
  const { family, table, chain } = place;
  return changeRequest({
    operation: chain === undefined ? "delete rules of table" : "delete rules of chain",
    object: chain === undefined ? describeTable(place) : `${describeTable(place)} ${chain}`,
    type: NFT_MSG_DELRULE,
    write: (to) => ruleBody.write({ family, table, ...(chain === undefined ? {} : { chain }) }, to),
  });
}

export interface RuleFilter {
  readonly family?: TableFamily;
  readonly table?: string;
  readonly chain?: string;
}

/** Rules in their order, of one chain, table or family, or all. */
export function listRules(filter: RuleFilter = {}): NetlinkRequest<Rule> {
  const { family = "unspecified", table, chain } = filter;
  return dumpRequest({
    operation: "list rules",
    object: [filter.family, table, chain].filter((part) => part !== undefined).join(" "),
    type: NFT_MSG_GETRULE,
    write: (to) =>
      ruleBody.write(
        { family, ...(table === undefined ? {} : { table }), ...(chain === undefined ? {} : { chain }) },
        to,
      ),
    decode: decodeRule,
  });
}

/** Decodes an NFT_MSG_NEWRULE. Throws OrlopError("invalid"). */
export function decodeRule(message: NetlinkMessage): Rule {
  const wire = decodeBody(message, [NFT_MSG_NEWRULE, NFT_MSG_DELRULE], ruleBody);
  const comment = commentOf(wire.userData, userDataTypes.rule.comment);
  return {
    family: wire.family,
    table: wire.table ?? "",
    chain: wire.chain ?? "",
    handle: wire.handle ?? 0n,
    ...(wire.position === undefined ? {} : { position: wire.position }),
    expressions: wire.expressions ?? [],
    ...(comment === undefined ? {} : { comment }),
  };
}
