import { BPF_CODES } from "./bpf-instruction.ts";

/** A comparison of the accumulator with an immediate. */
type BranchCode = typeof BPF_CODES.JEQ_K | typeof BPF_CODES.JGT_K | typeof BPF_CODES.JGE_K;

/** A step of the decision about a call. Nodes are shared: two equal nodes of one graph are one object. */
export type DecisionNode =
  | { readonly kind: "return"; readonly id: number; readonly value: number }
  | { readonly kind: "load"; readonly id: number; readonly offset: number; readonly next: DecisionNode }
  | { readonly kind: "mask"; readonly id: number; readonly mask: number; readonly next: DecisionNode }
  | {
      readonly kind: "branch";
      readonly id: number;
      readonly code: BranchCode;
      readonly k: number;
      readonly yes: DecisionNode;
      readonly no: DecisionNode;
    };

/** From `start` to the next range's start, exclusively, the decision is `node`. */
export interface DecisionRange {
  readonly start: number;
  readonly node: DecisionNode;
}

const word = 0xffff_ffff;

/** In a search tree, at most so many single numbers are compared one after the other. */
const exceptionsMax = 3;

/** Builds a graph from its leaves up, and leaves out every step whose outcome does not matter. */
export class DecisionGraph {
  readonly #nodes = new Map<string, DecisionNode>();
  readonly #verdicts = new Map<number, DecisionNode>();
  #count = 0;

  /** Ends with a verdict. */
  verdict(value: number): DecisionNode {
    let node = this.#verdicts.get(value);
    if (node === undefined) {
      node = { kind: "return", id: this.#count, value };
      this.#count += 1;
      this.#verdicts.set(value, node);
    }
    return node;
  }

  /** Loads the word at `offset` of the call's data, then goes on. */
  load(offset: number, next: DecisionNode): DecisionNode {
    if (next.kind === "return" || next.kind === "load") return next;
    return this.#share(`l${offset},${next.id}`, (id) => ({ kind: "load", id, offset, next }));
  }

  /** Keeps the loaded word's bits of `mask`, then goes on. */
  mask(mask: number, next: DecisionNode): DecisionNode {
    if (mask === word || next.kind === "return" || next.kind === "load") return next;
    return this.#share(`m${mask},${next.id}`, (id) => ({ kind: "mask", id, mask, next }));
  }

  /** Compares the loaded word with `k`. */
  branch(code: BranchCode, k: number, yes: DecisionNode, no: DecisionNode): DecisionNode {
    if (yes === no) return yes;
    if (code === BPF_CODES.JGE_K && k === 0) return yes;
    if (code === BPF_CODES.JGT_K && k === word) return no;
    return this.#share(`b${code},${k},${yes.id},${no.id}`, (id) => ({ kind: "branch", id, code, k, yes, no }));
  }

  /**
   * Finds the range of the loaded word by binary search. The ranges are sorted, the first starts at 0, and no two
   * neighbours have the same node.
   */
  search(ranges: readonly DecisionRange[]): DecisionNode {
    const folded = this.#foldExceptions(ranges);
    return this.#searchTree(folded, 0, folded.length);
  }

  #searchTree(ranges: readonly DecisionRange[], from: number, to: number): DecisionNode {
    const middle = (from + to) >> 1;
    const range = ranges[middle];
    if (range === undefined) throw new RangeError("a search needs a range");
    if (to - from === 1) return range.node;
    return this.branch(
      BPF_CODES.JGE_K,
      range.start,
      this.#searchTree(ranges, middle, to),
      this.#searchTree(ranges, from, middle),
    );
  }

  /** Makes one range of those that differ in single numbers only: one comparison less for each. */
  #foldExceptions(ranges: readonly DecisionRange[]): readonly DecisionRange[] {
    const folded: DecisionRange[] = [];
    for (let at = 0; at < ranges.length; ) {
      const base = ranges[at] as DecisionRange;
      let { node } = base;
      let count = 0;
      for (; count < exceptionsMax; count += 1) {
        const exception = ranges[at + 1 + 2 * count];
        const after = ranges[at + 2 + 2 * count];
        if (exception === undefined || after?.node !== base.node || after.start !== exception.start + 1) break;
        node = this.branch(BPF_CODES.JEQ_K, exception.start, exception.node, node);
      }
      folded.push({ start: base.start, node });
      at += 1 + 2 * count;
    }
    return folded;
  }

  #share(key: string, make: (id: number) => DecisionNode): DecisionNode {
    let node = this.#nodes.get(key);
    if (node === undefined) {
      node = make(this.#count);
      this.#count += 1;
      this.#nodes.set(key, node);
    }
    return node;
  }
}
