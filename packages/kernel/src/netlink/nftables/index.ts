export { type BatchOptions, getGeneration, nftablesBatch } from "./batch.ts";
export {
  addChain,
  bridgeChainPriorities,
  type Chain,
  type ChainBase,
  type ChainHook,
  type ChainReference,
  chainPriorities,
  deleteChain,
  listChains,
  type NewChain,
} from "./chain.ts";
export type { DataTypeName, DataValue } from "./data-types.ts";
export {
  addElements,
  deleteAllElements,
  deleteElements,
  joinElements,
  type ListedElement,
  listElements,
  type SetElement,
} from "./element.ts";
export type { ElementKey, KeyInterval } from "./element-key.ts";
export type { Expression, ExpressionKinds } from "./expression.ts";
export {
  addRule,
  deleteRule,
  deleteRules,
  listRules,
  type NewRule,
  type Rule,
  type RuleAdditionOptions,
  type RuleFilter,
  type RulePlace,
} from "./rule.ts";
export { type RuleContext, rawExpression, type Statement } from "./rule-context.ts";
export { addSet, deleteSet, listSets, type NewSet, type NftablesSet, type SetDefinition } from "./set.ts";
export { counter, limit, log, notrack, type RateLimit, reject } from "./statements/effects.ts";
export { Field, type FieldDescription } from "./statements/field.ts";
export {
  ct,
  ether,
  type FibKey,
  fib,
  fibMissing,
  icmp,
  icmpv6,
  ip,
  ip6,
  meta,
  type PortFields,
  sctp,
  type TupleFields,
  tcp,
  th,
  udp,
} from "./statements/fields.ts";
export { concatenate, type MappedValue, Selector } from "./statements/selector.ts";
export {
  type AddressRange,
  dnat,
  type MappedTarget,
  masquerade,
  type PortRange,
  redirect,
  snat,
  type TranslationChoice,
  type TranslationTarget,
} from "./statements/translations.ts";
export { accept, continueRule, drop, goTo, jump, returnToCaller } from "./statements/verdicts.ts";
export {
  addTable,
  deleteTable,
  listTables,
  type NewTable,
  type Table,
  type TableFamily,
  type TableReference,
} from "./table.ts";
export type { Verdict } from "./verdict.ts";
export type { Generation } from "./wire.ts";
