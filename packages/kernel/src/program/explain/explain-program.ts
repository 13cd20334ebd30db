import { errnoName } from "../../abi/errno.ts";
import { CONDITIONS, Immediate, type Instruction } from "../instruction.ts";
import type { Program } from "../program.ts";
import { type BlockNode, type BlockTree, blockTrees, type IfNode, type StepBlocks } from "./block-tree.ts";
import { decidingInstructions, movesData } from "./deciding-instructions.ts";
import { labelNames } from "./label-names.ts";
import { argumentTexts, callName, operandText } from "./operand-text.ts";
import { breakable, type LayoutOptions, layOut, type Piece, words } from "./text-layout.ts";

export interface ExplainOptions {
  /** Columns of the reader's terminal; 100 when absent. */
  readonly width?: number;
  /** Every instruction and every string, not only the system calls and what decides about them. */
  readonly verbose?: boolean;
  /** With the escape sequences of a terminal. */
  readonly color?: boolean;
}

const WIDTH_DEFAULT = 100;
const WIDTH_MIN = 20;
const INDENT = "    ";
const HANGING = "        ";

const SIGNS = { eq: "==", ne: "!=", lt: "<", ge: ">=" } as const;
const OPPOSITES = { eq: "ne", ne: "eq", lt: "ge", ge: "lt" } as const;

/**
 * The program as a person would read it from strace(1) before it has run: by process and step, each step with what
 * it does, which configuration field asked for it and why, and below it the calls. Ends with a newline.
 */
export function explainProgram(program: Program, options: ExplainOptions = {}): string {
  return new Explanation(program, options).text();
}

class Explanation {
  readonly #program: Program;
  readonly #verbose: boolean;
  readonly #layout: LayoutOptions;
  readonly #labels: ReadonlyMap<number, string>;
  readonly #steps: readonly StepBlocks[];
  /** What computes the values that branches look at. */
  readonly #deciding: ReadonlySet<number>;
  /** Instructions that a shown line refers to by their label. */
  readonly #referred = new Set<number>();
  /** End of the step that is being written. */
  #stepEnd = 0;

  constructor(program: Program, options: ExplainOptions) {
    this.#program = program;
    this.#verbose = options.verbose ?? false;
    this.#layout = { width: Math.max(options.width ?? WIDTH_DEFAULT, WIDTH_MIN), color: options.color ?? false };
    this.#labels = labelNames(program);
    this.#steps = blockTrees(program);
    this.#deciding = decidingInstructions(program);
  }

  text(): string {
    // Labels are shown where a line refers to them, which may stand above or below: write twice.
    this.#write();
    return `${this.#write().join("\n")}\n`;
  }

  #write(): string[] {
    const lines = this.#preface();
    let role: string | undefined;
    for (const blocks of this.#steps) {
      const step = this.#program.steps[blocks.step];
      if (step === undefined) continue;
      if (step.role !== role) lines.push("", this.#set([{ text: `== ${step.role} ==`, style: "heading" }], ""));
      role = step.role;
      this.#stepEnd = blocks.end;
      const field = step.field === undefined ? "" : ` (${step.field})`;
      lines.push("", this.#comment(`${step.action}${field}`, ""));
      if (step.why !== undefined) lines.push(this.#comment(step.why, "  "));
      lines.push(...this.#tree(blocks.tree, ""));
    }
    return lines;
  }

  #preface(): string[] {
    const { architecture, instructions, steps } = this.#program;
    const calls = instructions.filter(({ op }) => op === "syscall").length;
    const roles = [...new Set(steps.map(({ role }) => role))];
    return [
      `A program for ${architecture}: ${calls} system calls, by ${roles.join(" and ")}.`,
      "A call that fails ends what its process does and is reported, unless a remark says what happens instead.",
    ].map((sentence) => this.#comment(sentence, ""));
  }

  #set(pieces: readonly Piece[], indent: string): string {
    return layOut(pieces, indent, HANGING, this.#layout);
  }

  #comment(text: string, extra: string): string {
    const line = layOut(words(text, "comment"), `# ${extra}`, "", { ...this.#layout, color: false });
    // Continuation lines have the indent already: it is the comment's own mark.
    return this.#layout.color
      ? line
          .split("\n")
          .map((each) => this.#set([{ text: each, style: "comment" }], ""))
          .join("\n")
      : line;
  }

  #tree(tree: BlockTree, indent: string, all: boolean = this.#verbose): string[] {
    return tree.flatMap((node) => this.#node(node, indent, all));
  }

  #node(node: BlockNode, indent: string, all: boolean): string[] {
    const label = this.#label(node.index, indent);
    switch (node.kind) {
      case "instruction":
        return [...label, ...this.#instruction(node.index, indent, all)];
      case "if":
        return [...label, ...this.#if(node, indent, all)];
      case "on": {
        const errnos = this.#errnos(this.#at(node.index));
        const header = this.#set(words(`on ${errnos}:`, "comment"), indent);
        const body = this.#tree(node.body, indent + INDENT, all);
        // An errno that is handled must be seen to be, be it only by moving data.
        const shown = body.length === 0 ? this.#tree(node.body, indent + INDENT, true) : body;
        return [...label, ...this.#call(node.index, indent, false), header, ...shown];
      }
    }
  }

  #if({ index, body, otherwise }: IfNode, indent: string, all: boolean, prefix = ""): string[] {
    const header = (negate: boolean, rest = ""): string => {
      const condition = this.#condition(this.#at(index), negate);
      return this.#set(breakable(`${prefix}if (${condition})${rest}`, "plain"), indent);
    };
    const exit = otherwise.length === 0 ? this.#onlyExit(body) : undefined;
    if (exit !== undefined) return [header(true, ` ${exit}`)];
    const then = this.#tree(body, indent + INDENT, all);
    const not = this.#else(otherwise, indent, all);
    if (then.length > 0) return [header(true), ...then, ...not];
    return not.length === 0 ? [] : [header(false), ...this.#tree(otherwise, indent + INDENT, all)];
  }

  /** The text of a body that does nothing but leave. */
  #onlyExit([node, ...more]: BlockTree): string | undefined {
    if (node?.kind !== "instruction" || more.length > 0 || this.#referred.has(node.index)) return undefined;
    const instruction = this.#at(node.index);
    return instruction.op === "jump" || instruction.op === "fail" ? this.#machineText(instruction) : undefined;
  }

  #else(tree: BlockTree, indent: string, all: boolean): string[] {
    const [first, ...more] = tree;
    if (first?.kind === "if" && more.length === 0 && !this.#referred.has(first.index)) {
      return this.#if(first, indent, all, "else ");
    }
    const lines = this.#tree(tree, indent + INDENT, all);
    return lines.length === 0 ? [] : [`${indent}else`, ...lines];
  }

  #at(index: number): Instruction {
    const instruction = this.#program.instructions[index];
    if (instruction === undefined) throw new RangeError(`the program has no instruction ${index}`);
    return instruction;
  }

  #label(index: number, indent: string): string[] {
    if (!this.#referred.has(index)) return [];
    return [this.#set([{ text: `[${this.#labels.get(index)}]`, style: "label" }], indent)];
  }

  #instruction(index: number, indent: string, all: boolean): string[] {
    const instruction = this.#at(index);
    if (instruction.op === "syscall") return this.#call(index, indent, true);
    if (!all && this.#isNoise(index, instruction)) return [];
    return [this.#set(breakable(this.#machineText(instruction), "plain"), indent)];
  }

  /** Moves data that no branch looks at, or jumps over nothing that is shown. */
  #isNoise(index: number, { op, target }: Instruction): boolean {
    if (movesData(op)) return !this.#deciding.has(index);
    if (op !== "jump" && op !== "branch") return false;
    const to = target?.index ?? 0;
    const between = this.#program.instructions.slice(index + 1, to);
    return to > index && between.every(({ op: each }, at) => movesData(each) && !this.#deciding.has(index + 1 + at));
  }

  #machineText({ op, number, into, operands, target }: Instruction): string {
    const [a = "", b = "", , d = ""] = operands.map(operandText);
    const slot = into?.name ?? "";
    switch (op) {
      case "branch":
        return `if (${this.#condition({ number, operands }, false)}) ${this.#goTo(target?.index)}`;
      case "jump":
        return this.#goTo(target?.index);
      case "load":
        return `${slot} = u${8 * number}(${a}${b === "0" ? "" : ` + ${b}`})`;
      case "store":
        return `u${8 * number}(${a}${b === "0" ? "" : ` + ${b}`}) = ${d}`;
      case "add":
        return operands[1] instanceof Immediate && operands[1].value === 0n
          ? `${slot} = ${a}`
          : `${slot} = ${a} + ${b}`;
      case "and":
        return `${slot} = ${a} & ${b}`;
      case "enter":
        return `go over to the program at ${a}`;
      case "fail":
        return `fail with ${a}`;
      case "handler":
        return `from here on, a failure leads to ${this.#reference(target?.index)}`;
      case "syscall":
        return "";
    }
  }

  #condition({ number, operands }: Pick<Instruction, "number" | "operands">, negate: boolean): string {
    const condition = CONDITIONS[number] ?? "eq";
    const [a = "", b = ""] = operands.map(operandText);
    return `${a} ${SIGNS[negate ? OPPOSITES[condition] : condition]} ${b}`;
  }

  #call(index: number, indent: string, remark: boolean): string[] {
    const instruction = this.#at(index);
    const { number, operands, into, errnos } = instruction;
    const name = callName(instruction, this.#program.architecture);
    const args = name === undefined ? operands.map(operandText) : argumentTexts(name, operands, this.#verbose);
    const result = into === undefined ? "" : ` = ${into.name}`;
    const pieces: Piece[] = [
      { text: name ?? `syscall_${number}`, style: "call" },
      ...breakable(`(${args.join(", ")})${result}`, "plain"),
    ];
    if (remark && errnos.length > 0)
      pieces.push({ text: ` /* ${this.#remark(index, instruction)} */`, style: "comment" });
    return [this.#set(pieces, indent)];
  }

  #remark(index: number, instruction: Instruction): string {
    const { target } = instruction;
    const what = target?.index === index + 1 ? "ignored" : this.#goTo(target?.index);
    return `${this.#errnos(instruction)}: ${what}`;
  }

  #errnos({ errnos }: Instruction): string {
    return errnos === "any" ? "any error" : errnos.map(errnoName).join(", ");
  }

  #goTo(index: number | undefined): string {
    return index === this.#stepEnd ? "go to the next step" : `go to ${this.#reference(index)}`;
  }

  #reference(index: number | undefined): string {
    if (index === undefined) return "nowhere";
    this.#referred.add(index);
    return `[${this.#labels.get(index)}]`;
  }
}
