import { OrlopError } from "@orlop/core";
import { BPF_BRANCH_MAX, BPF_CODES, BPF_INSTRUCTIONS_MAX, type BpfInstruction } from "./bpf-instruction.ts";
import type { DecisionNode } from "./decision-graph.ts";

function nextNodes(node: DecisionNode): readonly DecisionNode[] {
  switch (node.kind) {
    case "return":
      return [];
    case "load":
    case "mask":
      return [node.next];
    case "branch":
      return [node.no, node.yes];
  }
}

function tooLong(found: string): OrlopError {
  const limit = `BPF_MAXINSNS is ${BPF_INSTRUCTIONS_MAX}`;
  return new OrlopError("exhausted", `Cannot compile seccomp filter: it has ${found} instructions, ${limit}`, {
    field: "linux.seccomp",
  });
}

/** All nodes, each after those it leads to. An explicit stack, because a decision may be thousands of nodes deep. */
function leavesFirst(root: DecisionNode): readonly DecisionNode[] {
  const order: DecisionNode[] = [];
  const seen = new Set<DecisionNode>();
  const stack: { readonly node: DecisionNode; readonly leaving: boolean }[] = [{ node: root, leaving: false }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, leaving } = top;
    if (leaving) {
      order.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    if (seen.size > BPF_INSTRUCTIONS_MAX) throw tooLong(`more than ${BPF_INSTRUCTIONS_MAX}`);
    stack.push({ node, leaving: true });
    for (const next of nextNodes(node).toReversed()) if (!seen.has(next)) stack.push({ node: next, leaving: false });
  }
  return order;
}

/**
 * Lays a decision out from its end to its beginning, so that every target of a jump is already placed. Places are
 * counted from the end, too.
 */
class BackwardAssembler {
  readonly #reversed: BpfInstruction[] = [];
  /** Where a node begins, or the nearest instruction that leads to it. */
  readonly #places = new Map<DecisionNode, number>();

  place(node: DecisionNode): void {
    switch (node.kind) {
      case "return":
        this.#emit(BPF_CODES.RET_K, node.value);
        break;
      case "load":
        this.#fallInto(node.next);
        this.#emit(BPF_CODES.LD_W_ABS, node.offset);
        break;
      case "mask":
        this.#fallInto(node.next);
        this.#emit(BPF_CODES.ALU_AND_K, node.mask);
        break;
      case "branch":
        // One less than a branch can skip: bringing "yes" nearer may put one more instruction before "no".
        this.#bringNear(node.no, BPF_BRANCH_MAX - 1);
        this.#bringNear(node.yes, BPF_BRANCH_MAX);
        this.#emit(node.code, node.k, this.#distance(node.yes), this.#distance(node.no));
        break;
    }
    this.#places.set(node, this.#reversed.length - 1);
  }

  finish(): readonly BpfInstruction[] {
    if (this.#reversed.length > BPF_INSTRUCTIONS_MAX) throw tooLong(String(this.#reversed.length));
    return this.#reversed.reverse();
  }

  #emit(code: number, k: number, jt = 0, jf = 0): void {
    this.#reversed.push({ code, jt, jf, k });
  }

  /** What the next instruction has to skip to reach a node. */
  #distance(node: DecisionNode): number {
    const place = this.#places.get(node);
    if (place === undefined)
      throw new OrlopError("internal", "Cannot assemble BPF: a jump leads to a node without place");
    return this.#reversed.length - 1 - place;
  }

  /** Makes sure that a branch reaches the node: a verdict is repeated, anything else gets a long jump. */
  #bringNear(node: DecisionNode, distanceMax: number): void {
    const distance = this.#distance(node);
    if (distance <= distanceMax) return;
    if (node.kind === "return") this.#emit(BPF_CODES.RET_K, node.value);
    else this.#emit(BPF_CODES.JA, distance);
    this.#places.set(node, this.#reversed.length - 1);
  }

  #fallInto(node: DecisionNode): void {
    this.#bringNear(node, 0);
  }
}

/**
 * Turns a decision into instructions.
 *
 * @throws OrlopError `exhausted` when they are more than the kernel takes
 */
export function assembleBpf(root: DecisionNode): readonly BpfInstruction[] {
  const assembler = new BackwardAssembler();
  for (const node of leavesFirst(root)) assembler.place(node);
  return assembler.finish();
}
