import type { Instruction } from "../instruction.ts";
import type { Program } from "../program.ts";

/**
 * A program's jumps read back as blocks, as far as they are the ones that structured code makes:
 *
 * - `if`: a branch over what follows it, with what an `else` would do behind that
 * - `on`: a call whose errno leads to a detour, which ends where the call would have gone on
 *
 * What does not fit stays an instruction whose target is a label.
 */
export type BlockNode =
  | { readonly kind: "instruction"; readonly index: number }
  | IfNode
  | { readonly kind: "on"; readonly index: number; readonly body: BlockTree };
export type BlockTree = readonly BlockNode[];

/** `body` is what happens when the branch is not taken. */
export interface IfNode {
  readonly kind: "if";
  readonly index: number;
  readonly body: BlockTree;
  readonly otherwise: BlockTree;
}

/** The instructions of one step, and what is made of them. `end` is one past the last. */
export interface StepBlocks {
  readonly step: number;
  readonly start: number;
  readonly end: number;
  readonly tree: BlockTree;
}

/** The whole program, step by step; blocks do not reach over the end of a step. */
export function blockTrees(program: Program): readonly StepBlocks[] {
  const { instructions } = program;
  const reader = new BlockReader(instructions);
  const found: StepBlocks[] = [];
  for (let start = 0; start < instructions.length; ) {
    const step = instructions[start]?.step ?? 0;
    let end = start;
    while (instructions[end]?.step === step) end++;
    found.push({ step, start, end, tree: reader.read(start, end) });
    start = end;
  }
  return found;
}

class BlockReader {
  readonly #instructions: readonly Instruction[];
  /** For each instruction, those that name it as their target. */
  readonly #sources: ReadonlyMap<number, readonly number[]>;

  constructor(instructions: readonly Instruction[]) {
    this.#instructions = instructions;
    const sources = new Map<number, number[]>();
    for (const [index, { target }] of instructions.entries()) {
      // An ignored errno leads where the program goes on anyway.
      if (target?.index === undefined || target.index === index + 1) continue;
      const known = sources.get(target.index);
      if (known === undefined) sources.set(target.index, [index]);
      else known.push(index);
    }
    this.#sources = sources;
  }

  read(start: number, end: number): BlockTree {
    const tree: BlockNode[] = [];
    for (let index = start; index < end; ) {
      const [node, next] = this.#readIf(index, end) ??
        this.#readDetour(index, end) ?? [instructionNode(index), index + 1];
      tree.push(node);
      index = next;
    }
    return tree;
  }

  #readIf(index: number, end: number): [BlockNode, next: number] | undefined {
    const branch = this.#instructions[index];
    const target = branch?.target?.index;
    if (branch?.op !== "branch" || target === undefined || !this.#isBlock(index + 1, target, end, index))
      return undefined;
    const joins = this.#instructions[target - 1];
    const after = joins?.op === "jump" ? joins.target?.index : undefined;
    const free = target - 1 > index && !this.#sources.has(target - 1);
    if (after !== undefined && free && this.#isBlock(target, after, end, index)) {
      const body = this.read(index + 1, target - 1);
      return [{ kind: "if", index, body, otherwise: this.read(target, after) }, after];
    }
    return [{ kind: "if", index, body: this.read(index + 1, target), otherwise: [] }, target];
  }

  #readDetour(index: number, end: number): [BlockNode, next: number] | undefined {
    const [call, over] = [this.#instructions[index], this.#instructions[index + 1]];
    const after = over?.op === "jump" ? over.target?.index : undefined;
    if (call?.op !== "syscall" || call.target?.index !== index + 2 || after === undefined) return undefined;
    if (this.#sources.has(index + 1) || !this.#isBlock(index + 2, after, end, index)) return undefined;
    return [{ kind: "on", index, body: this.read(index + 2, after) }, after];
  }

  /** Whether `start` to `end` is a part of what is being read that is entered at its start only, and from `by` only. */
  #isBlock(start: number, end: number, limit: number, by: number): boolean {
    if (end <= start || end > limit) return false;
    for (let index = start; index < end; index++) {
      const outside = this.#sources.get(index)?.filter((source) => source < start || source >= end) ?? [];
      if (outside.some((source) => index !== start || source !== by)) return false;
    }
    return true;
  }
}

function instructionNode(index: number): BlockNode {
  return { kind: "instruction", index };
}
