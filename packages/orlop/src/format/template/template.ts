import { OrlopError } from "@orlop/core";
import { COMPARISONS } from "./compare-values.ts";
import { executeTemplate } from "./execute-template.ts";
import { INDEXING } from "./index-values.ts";
import { parseTemplate } from "./parse-template.ts";
import { TemplateFault } from "./template-fault.ts";
import type { FunctionTable } from "./template-function.ts";
import type { Nodes } from "./template-node.ts";
import { HEADING_FUNCTIONS, TEXT_FUNCTIONS } from "./text-functions.ts";
import type { Value } from "./value.ts";

const LENGTH_MAX = 64 * 1024;

const FUNCTIONS: FunctionTable = new Map([...TEXT_FUNCTIONS, ...COMPARISONS, ...INDEXING]);
const IN_HEADINGS: FunctionTable = new Map([...FUNCTIONS, ...HEADING_FUNCTIONS]);
/** `and` and `or` need not look at all of their arguments, and are no functions therefore. */
const NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.keys(), "and", "or"]);

/** A template in the language of Go's text/template, with docker's functions. */
export class Template {
  readonly #text: string;
  readonly #nodes: Nodes;

  /** @throws OrlopError `invalid` */
  constructor(text: string) {
    this.#text = text;
    this.#nodes = this.#explained(() => {
      if (text.length > LENGTH_MAX) throw new TemplateFault(`it is longer than ${LENGTH_MAX} characters`);
      return parseTemplate(text, NAMES);
    });
  }

  /** @throws OrlopError `invalid` for a field that the value does not have, and whatever else does not fit it */
  execute(value: Value): string {
    return this.#explained(() => executeTemplate(this.#nodes, value, FUNCTIONS));
  }

  /** The heading of a table whose rows the template prints. */
  executeHeading(heading: Value): string {
    return this.#explained(() => executeTemplate(this.#nodes, heading, IN_HEADINGS));
  }

  #explained<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      throw new OrlopError("invalid", `Cannot use format ${this.#shown()}: ${this.#place(error)}${error.message}`, {
        operation: "use format",
        cause: error,
      });
    }
  }

  #shown(): string {
    return JSON.stringify(this.#text.length <= 200 ? this.#text : `${this.#text.slice(0, 200)}...`);
  }

  /** As Go gives it: line, and bytes before it in the line. */
  #place({ start, node }: TemplateFault): string {
    if (start === undefined) return "";
    const lines = this.#text.slice(0, start).split("\n");
    const shown = node === undefined || node.length <= 40 ? node : `${node.slice(0, 40)}...`;
    return `${lines.length}:${Buffer.byteLength(lines.at(-1) ?? "")}: ${shown === undefined ? "" : `at <${shown}>: `}`;
  }
}
