import { TemplateFault } from "./template-fault.ts";
import type { FunctionTable } from "./template-function.ts";
import type { Command, Nodes, Operand, Pipe, RangeNode, TemplateNode } from "./template-node.ts";
import { Dictionary, isList, isTrue, Struct, typeName, type Value } from "./value.ts";
import { printedText } from "./value-text.ts";

/** Characters that a template may print for one value. */
const OUTPUT_MAX = 16 * 1024 * 1024;
/** What one execution may do: an action, a call and 64 characters that a call takes or gives count one each. */
const STEPS_MAX = 2_000_000;
const CHARACTERS_PER_STEP = 64;

/**
 * Prints a value as a template says.
 *
 * @throws TemplateFault
 */
export function executeTemplate(nodes: Nodes, value: Value, functions: FunctionTable): string {
  const execution = new Execution(value, functions);
  execution.run(nodes, value);
  return execution.output;
}

type Ending = "break" | "continue" | undefined;

class Execution {
  output = "";
  readonly #functions: FunctionTable;
  readonly #variables: { readonly name: string; value: Value }[];
  #steps = 0;

  constructor(value: Value, functions: FunctionTable) {
    this.#functions = functions;
    this.#variables = [{ name: "$", value }];
  }

  /** Tells how a loop around it goes on, where the nodes say so. */
  run(nodes: Nodes, dot: Value): Ending {
    for (const node of nodes) {
      this.#count(1);
      const ending = this.#node(node, dot);
      if (ending !== undefined) return ending;
    }
    return undefined;
  }

  #node(node: TemplateNode, dot: Value): Ending {
    switch (node.kind) {
      case "text":
        this.#print(node.text);
        return undefined;
      case "action": {
        const value = node.field === undefined ? this.#pipe(node.pipe, dot) : fieldOf(dot, node.field);
        if (node.pipe.variables.length === 0) this.#print(printedText(value));
        return undefined;
      }
      case "if":
      case "with":
        return this.#scoped(() => {
          const value = this.#pipe(node.pipe, dot);
          if (!isTrue(value)) return this.#scoped(() => this.run(node.otherwise, dot));
          return this.#scoped(() => this.run(node.body, node.kind === "with" ? value : dot));
        });
      case "range":
        return this.#scoped(() => this.#range(node, dot));
      default:
        return node.kind;
    }
  }

  #range({ pipe, body, otherwise }: RangeNode, dot: Value): Ending {
    const { variables, declares } = pipe;
    const value = this.#commands(pipe, dot);
    let isEmpty = true;
    for (const [key, element] of elements(value, pipe)) {
      isEmpty = false;
      this.#count(1);
      const ending = this.#scoped(() => {
        const values = variables.length === 2 ? [key, element] : [element];
        for (const [index, name] of variables.entries()) this.#set(name, values[index] ?? null, declares);
        return this.#scoped(() => this.run(body, element));
      });
      if (ending === "break") break;
    }
    // Not of this loop any more.
    return isEmpty ? this.run(otherwise, dot) : undefined;
  }

  #scoped<T>(action: () => T): T {
    const known = this.#variables.length;
    const result = action();
    this.#variables.length = known;
    return result;
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    const value = this.#commands(pipe, dot);
    for (const name of pipe.variables) this.#set(name, value, pipe.declares);
    return value;
  }

  #commands({ commands }: Pipe, dot: Value): Value {
    let value: Value | undefined;
    for (const command of commands) value = this.#command(command, dot, value);
    return value ?? null;
  }

  #set(name: string, value: Value, declares: boolean): void {
    const variable = declares ? undefined : this.#variables.findLast((each) => each.name === name);
    if (variable === undefined) this.#variables.push({ name, value });
    else variable.value = value;
  }

  /** @param piped the value of the command before, as the last argument */
  #command([first, ...operands]: Command, dot: Value, piped: Value | undefined): Value {
    this.#count(1);
    if (first.kind === "function") return this.#call(first, operands, { dot, piped });
    if (operands.length > 0 || piped !== undefined) {
      const args = [...operands.map((operand) => this.#operand(operand, dot)), ...(piped === undefined ? [] : [piped])];
      const result = this.#method(first, args, dot);
      if (result !== undefined) return result;
      const isField = first.kind === "chain" || first.kind === "variable";
      const what = isField
        ? `${first.source} has arguments but cannot be invoked as function`
        : `can't give argument to non-function ${first.source}`;
      throw at(first, what);
    }
    if (first.kind === "nil") throw at(first, "nil is not a command");
    return this.#operand(first, dot);
  }

  /** Undefined where it is none. */
  #method(operand: Operand, [argument, ...others]: readonly Value[], dot: Value): Value | undefined {
    if (operand.kind !== "chain" || typeof argument !== "string" || others.length > 0) return undefined;
    const base = fieldOf(this.#operand(operand.base, dot), { ...operand, names: operand.names.slice(0, -1) });
    const methods = base instanceof Struct || base instanceof Dictionary ? base.methods : {};
    const name = operand.names.at(-1) ?? "";
    return Object.hasOwn(methods, name) ? methods[name]?.(argument) : undefined;
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "literal":
        return operand.value;
      case "variable":
        return this.#variables.findLast(({ name }) => name === operand.name)?.value ?? null;
      case "function":
        return this.#call(operand, [], { dot, piped: undefined });
      case "pipe":
        return this.#scoped(() => this.#pipe(operand.pipe, dot));
      case "chain":
        return fieldOf(this.#operand(operand.base, dot), operand);
    }
  }

  #call(
    node: Extract<Operand, { kind: "variable" | "function" }>,
    operands: readonly Operand[],
    { dot, piped }: { readonly dot: Value; readonly piped: Value | undefined },
  ): Value {
    const { name } = node;
    if (name === "and" || name === "or") return this.#choose(node, operands, { dot, piped });
    const args = operands.map((operand) => this.#operand(operand, dot));
    if (piped !== undefined) args.push(piped);
    const called = this.#functions.get(name);
    if (called === undefined) throw at(node, `function ${JSON.stringify(name)} not defined`);
    if (args.length < called.least || (called.most !== undefined && args.length > called.most)) {
      const wanted = called.most === called.least ? `${called.least}` : `at least ${called.least}`;
      throw at(node, `wrong number of args for ${name}: want ${wanted} got ${args.length}`);
    }
    this.#count(1 + args.reduce<number>((sum, each) => sum + weight(each), 0));
    const result = calling(node, () => called.call(...args));
    this.#count(weight(result));
    return result;
  }

  /** `and` and `or`: the first argument that decides; those behind it are not looked at. */
  #choose(
    node: Extract<Operand, { kind: "variable" | "function" }>,
    operands: readonly Operand[],
    { dot, piped }: { readonly dot: Value; readonly piped: Value | undefined },
  ): Value {
    const values = operands.map((operand) => (): Value => this.#operand(operand, dot));
    if (piped !== undefined) values.push(() => piped);
    if (values.length === 0) throw at(node, `wrong number of args for ${node.name}: want at least 1 got 0`);
    let value: Value = null;
    for (const evaluate of values) {
      value = evaluate();
      if (isTrue(value) === (node.name === "or")) break;
    }
    return value;
  }

  #print(text: string): void {
    if (this.output.length + text.length > OUTPUT_MAX) {
      throw new TemplateFault(`it prints more than ${OUTPUT_MAX} characters`);
    }
    this.output += text;
  }

  #count(steps: number): void {
    this.#steps += steps;
    if (this.#steps > STEPS_MAX) throw new TemplateFault("it goes on for too long");
  }
}

/** What a value costs who looks at all of it. */
function weight(value: Value): number {
  if (typeof value === "string") return Math.ceil(value.length / CHARACTERS_PER_STEP);
  return isList(value) ? Math.ceil(value.length / CHARACTERS_PER_STEP) : 0;
}

function* elements(value: Value, { commands, variables }: Pipe): Generator<readonly [Value, Value]> {
  if (value === null) return;
  if (isList(value)) {
    yield* value.entries();
    return;
  }
  if (value instanceof Dictionary) {
    yield* value.entries;
    return;
  }
  const [first] = commands[0] ?? [];
  if (typeof value === "number" && Number.isInteger(value)) {
    if (variables.length > 1) throw at(first, `can't use ${value} to iterate over more than one variable`);
    for (let index = 0; index < value; index++) yield [index, index];
    return;
  }
  throw at(first, `range can't iterate over ${printedText(value)}`);
}

function fieldOf(base: Value, operand: Extract<Operand, { kind: "chain" }>): Value {
  let value: Value | undefined = base;
  for (const name of operand.names) {
    if (value instanceof Dictionary) {
      value = value.entries.get(name);
      // What is not there has no members, and asking for them is no mistake either.
      if (value === undefined) return null;
      continue;
    }
    if (value === null || value === undefined) throw at(operand, `nil pointer evaluating interface {}.${name}`);
    const found: Value | undefined = value instanceof Struct ? value.get(name) : undefined;
    if (found === undefined) throw at(operand, `can't evaluate field ${name}${insteadOf(value)}`);
    value = found;
  }
  return value ?? null;
}

function insteadOf(value: Value): string {
  if (!(value instanceof Struct)) return ` in type ${typeName(value)}`;
  const names = value.fields.map(({ name }) => name);
  return names.length === 0 ? ", it has none" : `, there are ${names.join(", ")}`;
}

function calling<T>(node: Operand, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TemplateFault) || error.start !== undefined) throw error;
    throw at(node, `error calling ${node.source}: ${error.message}`);
  }
}

function at(operand: Operand | undefined, message: string): TemplateFault {
  return new TemplateFault(message, operand?.start, operand?.source);
}
