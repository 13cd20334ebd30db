import { OrlopError } from "@orlop/core";
import {
  type ArgumentCondition,
  compareConditions,
  conditionKey,
  decideCondition,
  isAlwaysTrue,
} from "./argument-condition.ts";
import { BPF_CODES, BPF_INSTRUCTIONS_MAX } from "./bpf-instruction.ts";
import type { DecisionGraph, DecisionNode, DecisionRange } from "./decision-graph.ts";
import { argumentOffset } from "./seccomp-data.ts";

/** A verdict for the calls whose arguments meet all conditions; at most one condition an argument. */
interface ConditionalRule {
  readonly conditions: readonly ArgumentCondition[];
  readonly verdict: number;
  /** The keys of the first 1, 2, ... conditions. */
  readonly prefixes: readonly string[];
}

const word = 0xffff_ffff;

/**
 * The rules for one system call of one architecture.
 *
 * They have no order of their own: which rule wins is libseccomp's choice, which runc and crun leave to it.
 *
 * - The first rule without conditions wins over everything else.
 * - A rule whose conditions begin with all those of an earlier rule never applies.
 * - A rule whose conditions are the beginning of those of an earlier rule with another verdict contradicts it.
 * - Of the rest, the one whose conditions are narrower goes first ({@link compareConditions}).
 */
export class CallRules {
  #always: number | undefined;
  #rules: ConditionalRule[] = [];
  readonly #complete = new Map<string, number>();
  readonly #prefixes = new Set<string>();

  /**
   * Adds a rule.
   *
   * @param call the call's name, for the error
   * @param field where the rule stands, for the error
   * @throws OrlopError `invalid` when it contradicts an earlier rule, `exhausted` when there are too many
   */
  add(given: readonly ArgumentCondition[], verdict: number, call: string, field: string): void {
    if (this.#always !== undefined) return;
    const conditions = given.filter((condition) => !isAlwaysTrue(condition)).sort((a, b) => a.index - b.index);
    if (conditions.length === 0) {
      this.#always = verdict;
      return;
    }
    let prefix = "";
    const prefixes = conditions.map((condition) => {
      prefix += conditionKey(condition);
      return prefix;
    });
    const earlier = prefixes.find((each) => this.#complete.has(each));
    if (earlier !== undefined) {
      if (earlier === prefix && this.#complete.get(earlier) !== verdict) throw contradiction(call, field);
      return;
    }
    if (this.#prefixes.has(prefix)) this.#replaceLonger(prefix, verdict, call, field);
    if (this.#rules.length === BPF_INSTRUCTIONS_MAX) throw tooMany(call, field);
    this.#complete.set(prefix, verdict);
    for (const each of prefixes) this.#prefixes.add(each);
    this.#rules.push({ conditions, verdict, prefixes });
  }

  /** Drops the rules that a shorter one with the same verdict makes superfluous. */
  #replaceLonger(prefix: string, verdict: number, call: string, field: string): void {
    const longer = this.#rules.filter(({ prefixes }) => prefixes.includes(prefix));
    if (longer.some((rule) => rule.verdict !== verdict)) throw contradiction(call, field);
    for (const { prefixes } of longer) this.#complete.delete(prefixes.at(-1) ?? "");
    this.#rules = this.#rules.filter((rule) => !longer.includes(rule));
  }

  /**
   * Puts each rule before the first that it goes before. A plain sort would do, were the order total; rules with
   * different masks keep the order in which they came, whatever lies between them.
   */
  #inPrecedence(): readonly ConditionalRule[] {
    const sorted: ConditionalRule[] = [];
    for (const rule of this.#rules) {
      const at = sorted.findIndex((other) => compareRules(rule, other) < 0);
      sorted.splice(at === -1 ? sorted.length : at, 0, rule);
    }
    return sorted;
  }

  /** Adds the steps that decide about the call, once its number is known. */
  decide(graph: DecisionGraph, littleEndian: boolean, otherwise: DecisionNode): DecisionNode {
    if (this.#always !== undefined) return graph.verdict(this.#always);
    const sorted = this.#inPrecedence();
    let next = otherwise;
    for (let end = sorted.length; end > 0; ) {
      let start = end - 1;
      while (start > 0 && isSameSwitch(sorted[start - 1], sorted[end - 1])) start -= 1;
      const group = sorted.slice(start, end);
      next =
        group.length > 1
          ? decideSwitch(graph, group, littleEndian, next)
          : decideRule(graph, group, littleEndian, next);
      end = start;
    }
    return next;
  }
}

function contradiction(call: string, field: string): OrlopError {
  const what = "an earlier rule gives some of the same calls another action";
  return new OrlopError("invalid", `Cannot compile seccomp rule for "${call}": ${what}`, { field });
}

/** Each rule takes at least one instruction. */
function tooMany(call: string, field: string): OrlopError {
  const what = `it has more than ${BPF_INSTRUCTIONS_MAX} rules with conditions`;
  return new OrlopError("exhausted", `Cannot compile seccomp rules for "${call}": ${what}`, { field });
}

/** Below 0 when `a` goes first. */
function compareRules(a: ConditionalRule, b: ConditionalRule): number {
  for (const [at, condition] of a.conditions.entries()) {
    const other = b.conditions[at];
    if (other === undefined) return 0;
    const order = compareConditions(condition, other);
    if (order !== 0) return order;
  }
  return 0;
}

function decideRule(
  graph: DecisionGraph,
  [rule]: readonly ConditionalRule[],
  littleEndian: boolean,
  no: DecisionNode,
): DecisionNode {
  if (rule === undefined) return no;
  let yes = graph.verdict(rule.verdict);
  for (const condition of rule.conditions.toReversed()) {
    yes = decideCondition(graph, condition, littleEndian, { yes, no });
  }
  return yes;
}

/** Whether both rules compare the same argument for equality, with values that differ in the low half only. */
function isSameSwitch(a: ConditionalRule | undefined, b: ConditionalRule | undefined): boolean {
  const [first] = a?.conditions ?? [];
  const [second] = b?.conditions ?? [];
  if (first === undefined || second === undefined) return false;
  if (a?.conditions.length !== 1 || b?.conditions.length !== 1) return false;
  return (
    isPlainEquality(first) &&
    isPlainEquality(second) &&
    first.index === second.index &&
    first.mask.high === second.mask.high &&
    first.value.high === second.value.high
  );
}

function isPlainEquality({ compare, negated, mask }: ArgumentCondition): boolean {
  return compare === "equal" && !negated && mask.low === word && (mask.high === word || mask.high === 0);
}

/** Rules that compare one argument with several values need to load it only once. */
function decideSwitch(
  graph: DecisionGraph,
  rules: readonly ConditionalRule[],
  littleEndian: boolean,
  no: DecisionNode,
): DecisionNode {
  const ranges: DecisionRange[] = [{ start: 0, node: no }];
  // Sorted by descending value, see compareConditions.
  for (const { conditions, verdict } of rules.toReversed()) {
    const low = conditions[0]?.value.low ?? 0;
    const node = graph.verdict(verdict);
    if (ranges.at(-1)?.start === low) ranges.pop();
    if (ranges.at(-1)?.node !== node) ranges.push({ start: low, node });
    if (low < word && node !== no) ranges.push({ start: low + 1, node: no });
  }
  const condition = rules[0]?.conditions[0];
  if (condition === undefined) return no;
  const { index, value, mask } = condition;
  const low = graph.load(argumentOffset(index, "low", littleEndian), graph.search(ranges));
  if (mask.high === 0) return low;
  const high = graph.branch(BPF_CODES.JEQ_K, value.high, low, no);
  return graph.load(argumentOffset(index, "high", littleEndian), high);
}
