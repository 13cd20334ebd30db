import { type LinuxSeccompArg, type LinuxSeccompOperator, OrlopError, type Uint64 } from "@orlop/core";
import { BPF_CODES } from "./bpf-instruction.ts";
import type { DecisionGraph, DecisionNode } from "./decision-graph.ts";
import { argumentOffset, SECCOMP_ARGS_MAX } from "./seccomp-data.ts";

/** An unsigned 64-bit number as two unsigned 32-bit ones. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

/**
 * One comparison of an argument, reduced to what BPF can do: equality under a mask, greater, greater or equal; each
 * possibly negated.
 */
export interface ArgumentCondition {
  readonly index: number;
  readonly compare: "equal" | "greater" | "greater-or-equal";
  readonly negated: boolean;
  /** Already masked. */
  readonly value: Halves;
  readonly mask: Halves;
}

const word = 0xffff_ffff;
const wordSize = 0x1_0000_0000;
const valueMax = 0xffff_ffff_ffff_ffffn;

const operators: Readonly<Record<LinuxSeccompOperator, Pick<ArgumentCondition, "compare" | "negated">>> = {
  SCMP_CMP_EQ: { compare: "equal", negated: false },
  SCMP_CMP_NE: { compare: "equal", negated: true },
  SCMP_CMP_GT: { compare: "greater", negated: false },
  SCMP_CMP_LE: { compare: "greater", negated: true },
  SCMP_CMP_GE: { compare: "greater-or-equal", negated: false },
  SCMP_CMP_LT: { compare: "greater-or-equal", negated: true },
  SCMP_CMP_MASKED_EQ: { compare: "equal", negated: false },
};

function halves(value: Uint64, field: string): Halves {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    return { high: Math.floor(value / wordSize), low: value >>> 0 };
  }
  if (typeof value === "bigint" && value >= 0n && value <= valueMax) {
    return { high: Number(value >> 32n), low: Number(value & 0xffff_ffffn) };
  }
  const message = `Cannot compile seccomp argument "${String(value)}": it is no integer from 0 to 2^64 - 1`;
  throw new OrlopError("invalid", message, { field });
}

function and(a: Halves, b: Halves): Halves {
  return { high: (a.high & b.high) >>> 0, low: (a.low & b.low) >>> 0 };
}

/**
 * Reads a comparison of a config.
 *
 * @param field where it stands, for the error
 * @throws OrlopError `invalid`
 */
export function parseCondition(arg: LinuxSeccompArg, field: string): ArgumentCondition {
  const { index, op } = arg;
  if (!(Number.isInteger(index) && index >= 0 && index < SECCOMP_ARGS_MAX)) {
    const message = `Cannot compile seccomp argument index "${index}": a system call has arguments 0 to 5`;
    throw new OrlopError("invalid", message, { field: `${field}.index` });
  }
  const operator = operators[op];
  if (!Object.hasOwn(operators, op)) {
    const message = `Cannot compile seccomp operator "${op}": the OCI spec has no such operator`;
    throw new OrlopError("invalid", message, { field: `${field}.op` });
  }
  const value = halves(arg.value, `${field}.value`);
  const valueTwo = halves(arg.valueTwo ?? 0, `${field}.valueTwo`);
  return op === "SCMP_CMP_MASKED_EQ"
    ? { ...operator, index, mask: value, value: and(valueTwo, value) }
    : { ...operator, index, mask: { high: word, low: word }, value };
}

/**
 * The same comparison where arguments have 32 bits: libseccomp drops the upper halves of value and mask there, and
 * so must we, or a profile would mean different things under different runtimes.
 */
export function narrowCondition({ value, mask, ...rest }: ArgumentCondition): ArgumentCondition {
  return { ...rest, value: { high: 0, low: value.low }, mask: { high: 0, low: mask.low } };
}

/** Whether the comparison holds for every argument: its mask keeps nothing. */
export function isAlwaysTrue({ mask }: ArgumentCondition): boolean {
  return mask.high === 0 && mask.low === 0;
}

/** Equal keys are equal comparisons. */
export function conditionKey({ index, compare, negated, value, mask }: ArgumentCondition): string {
  return `${index}${negated ? "!" : "="}${compare} ${value.high},${value.low}&${mask.high},${mask.low};`;
}

/** Equalities go before "at most", and these before "at least". */
function operatorRank({ compare, negated }: ArgumentCondition): number {
  if (compare === "equal") return 0;
  return negated ? 1 : 2;
}

/**
 * Which of two comparisons libseccomp looks at first (`_db_chain_lt` of its src/db.c): the later argument, then the
 * narrower operator, then the narrower value. 0 when it keeps the order in which they came; so it does when the upper
 * halves are equal but differently masked, because it compares these first and then goes separate ways.
 */
export function compareConditions(a: ArgumentCondition, b: ArgumentCondition): number {
  const rank = operatorRank(a);
  const byKind = b.index - a.index || rank - operatorRank(b);
  if (byKind !== 0) return byKind;
  const byValue = b.value.high - a.value.high || (a.mask.high === b.mask.high ? b.value.low - a.value.low : 0);
  return rank === 1 ? -byValue : byValue;
}

/** Adds the steps that tell whether the comparison holds for a call. */
export function decideCondition(
  graph: DecisionGraph,
  { index, compare, negated, value, mask }: ArgumentCondition,
  littleEndian: boolean,
  outcome: { readonly yes: DecisionNode; readonly no: DecisionNode },
): DecisionNode {
  const [holds, fails] = negated ? [outcome.no, outcome.yes] : [outcome.yes, outcome.no];
  const test = (half: "high" | "low", then: (k: number) => DecisionNode): DecisionNode =>
    graph.load(argumentOffset(index, half, littleEndian), graph.mask(mask[half], then(value[half])));
  if (compare === "equal") {
    const low = mask.low === 0 ? holds : test("low", (k) => graph.branch(BPF_CODES.JEQ_K, k, holds, fails));
    return mask.high === 0 ? low : test("high", (k) => graph.branch(BPF_CODES.JEQ_K, k, low, fails));
  }
  const code = compare === "greater" ? BPF_CODES.JGT_K : BPF_CODES.JGE_K;
  const low = test("low", (k) => graph.branch(code, k, holds, fails));
  if (mask.high === 0) return low;
  return test("high", (k) => graph.branch(BPF_CODES.JGT_K, k, holds, graph.branch(BPF_CODES.JEQ_K, k, low, fails)));
}
