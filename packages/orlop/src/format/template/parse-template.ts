import { lexTemplate, type Token } from "./lex-template.ts";
import { parseNumber } from "./parse-number.ts";
import { TemplateFault } from "./template-fault.ts";
import type { Chain, Command, Nodes, Operand, Pipe, TemplateNode } from "./template-node.ts";

/** Actions and parentheses inside each other. */
const DEPTH_MAX = 100;

/** Words that are no functions. */
const KEYWORDS: ReadonlySet<string> = new Set(
  "if with range else end break continue define template block true false nil".split(" "),
);

/**
 * Reads a template in the language of Go's text/template, without templates in templates (`define`, `block`, `template`).
 *
 * @param functions names of the functions that it may call
 * @throws TemplateFault
 */
export function parseTemplate(template: string, functions: ReadonlySet<string>): Nodes {
  const parser = new Parser(template, functions);
  const { nodes, end } = parser.nodes({ depth: 0, isInRange: false });
  if (end !== undefined) throw new TemplateFault(`unexpected {{${end}}}`, parser.place);
  return nodes;
}

interface Surroundings {
  readonly depth: number;
  readonly isInRange: boolean;
}

class Parser {
  readonly #template: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Those that can be used here, innermost last. */
  #variables: string[] = ["$"];

  constructor(template: string, functions: ReadonlySet<string>) {
    this.#template = template;
    this.#functions = functions;
    this.#tokens = lexTemplate(template);
  }

  /** Where the token that was read last stands. */
  get place(): number {
    return this.#tokens[this.#next - 1]?.start ?? this.#template.length;
  }

  /** Up to the end of the template, or up to an `end` or `else`, after whose word the parser stands then. */
  nodes(around: Surroundings): { readonly nodes: Nodes; readonly end?: "end" | "else" } {
    const nodes: TemplateNode[] = [];
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const word = this.#peek();
      if (word?.kind === "word" && (word.text === "end" || word.text === "else")) {
        this.#take();
        return { nodes, end: word.text };
      }
      nodes.push(this.#action(around));
    }
    return { nodes };
  }

  /** Behind `{{`. */
  #action(around: Surroundings): TemplateNode {
    const token = this.#peek();
    switch (token?.kind === "word" ? token.text : undefined) {
      case "if":
      case "with":
      case "range":
        this.#take();
        return this.#control(token?.text as "if" | "with" | "range", around);
      case "break":
      case "continue": {
        this.#take();
        this.#close();
        if (!around.isInRange) throw new TemplateFault(`{{${token?.text}}} outside {{range}}`, token?.start);
        return { kind: token?.text as "break" | "continue" };
      }
      case "define":
      case "template":
      case "block":
        throw new TemplateFault(`{{${token?.text}}} is not supported here`, token?.start);
      default: {
        const pipe = this.#pipe(around.depth, "action");
        this.#close();
        return { kind: "action", pipe, field: onlyField(pipe) };
      }
    }
  }

  #control(kind: "if" | "with" | "range", around: Surroundings): TemplateNode {
    const known = this.#variables.length;
    const inner = { depth: deeper(around.depth, this.place), isInRange: around.isInRange || kind === "range" };
    const pipe = this.#pipe(inner.depth, kind);
    this.#close();
    const body = this.#branch(kind, inner);
    // An else of a range belongs to what is around it.
    const outside = { ...inner, isInRange: around.isInRange };
    const otherwise = body.end === "else" ? this.#otherwise(kind, outside) : [];
    this.#variables.length = known;
    return { kind, pipe, body: body.nodes, otherwise };
  }

  #branch(kind: string, around: Surroundings): { readonly nodes: Nodes; readonly end: "end" | "else" } {
    const known = this.#variables.length;
    const { nodes, end } = this.nodes(around);
    if (end === undefined) throw new TemplateFault(`unexpected EOF: {{${kind}}} has no {{end}}`, this.#template.length);
    if (end === "end") this.#close();
    this.#variables.length = known;
    return { nodes, end };
  }

  /** Behind `else`: `else if` and `else with` are a whole one inside it, which ends where it ends. */
  #otherwise(kind: "if" | "with" | "range", around: Surroundings): Nodes {
    const token = this.#peek();
    if (token?.kind === "word" && token.text === kind && kind !== "range") {
      this.#take();
      return [this.#control(kind, around)];
    }
    this.#close();
    const { nodes, end } = this.#branch(kind, around);
    if (end === "else") throw new TemplateFault("expected end; found {{else}}", this.place);
    return nodes;
  }

  #pipe(depth: number, context: "action" | "if" | "with" | "range" | "parentheses"): Pipe {
    const { variables, declares } = this.#declaration(context);
    const commands: Command[] = [this.#command(depth)];
    while (this.#peek()?.text === "|" && this.#peek()?.kind === "sign") {
      this.#take();
      const command = this.#command(depth);
      const [first] = command;
      if (first.kind === "literal" || first.kind === "dot" || first.kind === "nil") {
        throw new TemplateFault(`non executable command in pipeline stage ${commands.length + 1}`, first.start);
      }
      commands.push(command);
    }
    // Only now: a pipe cannot use what it declares.
    if (declares) this.#variables.push(...variables);
    return { variables, declares, commands };
  }

  /** `$x :=`, `$x =`, and for `range` `$i, $x :=`. */
  #declaration(context: string): { readonly variables: readonly string[]; readonly declares: boolean } {
    const variables: string[] = [];
    const none = { variables: [], declares: false };
    const begin = this.#next;
    while (this.#peek()?.kind === "variable") {
      variables.push(this.#take()?.text ?? "");
      const sign = this.#peek();
      if (sign?.kind !== "sign" || !/^(?::=|=|,)$/.test(sign.text)) break;
      this.#take();
      if (sign.text === ",") {
        if (context === "range" && variables.length < 2) continue;
        throw new TemplateFault(context === "range" ? "too many declarations in range" : 'unexpected ","', sign.start);
      }
      for (const name of sign.text === "=" ? variables : []) this.#mustKnow(name, this.place);
      return { variables, declares: sign.text === ":=" };
    }
    this.#next = begin;
    return none;
  }

  #command(depth: number): Command {
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined || token.kind === "close" || (token.kind === "sign" && token.text !== "(")) break;
      if (operands.length > 0 && !token.isApart) {
        throw new TemplateFault(`unexpected ${JSON.stringify(token.text)} in operand`, token.start);
      }
      operands.push(this.#chain(depth));
    }
    const [first, ...others] = operands;
    if (first === undefined) throw new TemplateFault("missing value for command", this.#peek()?.start ?? this.place);
    return [first, ...others];
  }

  /** An operand with the fields that stand right behind it. */
  #chain(depth: number): Operand {
    const first = this.#peek();
    const start = first?.start ?? this.place;
    const base: Operand = first?.kind === "field" ? this.#operandAt(start, { kind: "dot" }) : this.#operand(depth);
    const names: string[] = [];
    for (let token = this.#peek(); token?.kind === "field"; token = this.#peek()) {
      if (token !== first && token.isApart) break;
      names.push(token.text.slice(1));
      this.#take();
    }
    if (names.length === 0) return base;
    if (base.kind === "literal" || base.kind === "nil") {
      throw new TemplateFault(`unexpected . after term ${JSON.stringify(base.source)}`, start);
    }
    return this.#operandAt(start, { kind: "chain", base, names });
  }

  #operand(depth: number): Operand {
    const token = this.#take();
    const start = token?.start ?? this.#template.length;
    switch (token?.kind) {
      case "dot":
        return this.#operandAt(start, { kind: "dot" });
      case "variable":
        this.#mustKnow(token.text, start);
        return this.#operandAt(start, { kind: "variable", name: token.text });
      case "string":
        return this.#operandAt(start, { kind: "literal", value: token.text });
      case "number":
        return this.#operandAt(start, { kind: "literal", value: parseNumber(token.text, start) });
      case "word":
        return this.#word(token.text, start);
      case "sign": {
        if (token.text !== "(") break;
        const pipe = this.#pipe(deeper(depth, start), "parentheses");
        if (this.#take()?.text !== ")") throw new TemplateFault("unclosed left paren", start);
        return this.#operandAt(start, { kind: "pipe", pipe });
      }
    }
    throw new TemplateFault(`unexpected ${JSON.stringify(token?.text ?? "end")} in operand`, start);
  }

  #word(name: string, start: number): Operand {
    if (name === "true" || name === "false") {
      return this.#operandAt(start, { kind: "literal", value: name === "true" });
    }
    if (name === "nil") return this.#operandAt(start, { kind: "nil" });
    if (KEYWORDS.has(name)) throw new TemplateFault(`unexpected <${name}> in operand`, start);
    if (!this.#functions.has(name)) throw new TemplateFault(`function ${JSON.stringify(name)} not defined`, start);
    return this.#operandAt(start, { kind: "function", name });
  }

  #operandAt<T>(start: number, operand: T): T & { readonly start: number; readonly source: string } {
    return { ...operand, start, source: this.#template.slice(start, this.#tokens[this.#next - 1]?.end) };
  }

  #mustKnow(name: string, start: number): void {
    if (!this.#variables.includes(name)) throw new TemplateFault(`undefined variable ${JSON.stringify(name)}`, start);
  }

  #close(): void {
    const token = this.#take();
    if (token?.kind === "close") return;
    throw new TemplateFault(`unexpected ${JSON.stringify(token?.text ?? "end")} in command`, this.place);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token | undefined {
    const token = this.#tokens[this.#next];
    this.#next += 1;
    return token;
  }
}

function deeper(depth: number, start: number): number {
  if (depth < DEPTH_MAX) return depth + 1;
  throw new TemplateFault(`more than ${DEPTH_MAX} inside each other`, start);
}

function onlyField({ variables, commands }: Pipe): Chain | undefined {
  const [command, ...others] = commands;
  if (variables.length > 0 || others.length > 0 || command?.length !== 1) return undefined;
  const [operand] = command;
  return operand.kind === "chain" && operand.base.kind === "dot" ? operand : undefined;
}
