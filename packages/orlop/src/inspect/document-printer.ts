import { OrlopError } from "@orlop/core";
import { Template } from "../format/template/template.ts";
import type { Struct } from "../format/template/value.ts";
import { valueJson } from "../format/template/value-json.ts";

/** As docker has it. */
const INDENT = "    ";

interface InspectOutput {
  text(text: string): void;
  error(message: string): void;
}

/**
 * Prints documents as docker's `inspect` does: as a list of JSON objects, or by a template for each. Of what is not there
 * it tells nothing but an error.
 *
 * @returns the exit code
 * @throws OrlopError `invalid` for a template that is none
 */
export async function printDocuments(
  names: readonly string[],
  format: string,
  read: (name: string) => Promise<Struct>,
  output: InspectOutput,
): Promise<number> {
  const print = documentPrinter(format);
  const documents: Struct[] = [];
  const failures: OrlopError[] = [];
  for (const name of names) {
    try {
      documents.push(await read(name));
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      failures.push(error);
    }
  }
  output.text(print(documents));
  for (const failure of failures) output.error(failure.message);
  return failures.length === 0 ? 0 : 1;
}

function documentPrinter(format: string): (documents: readonly Struct[]) => string {
  if (format === "") return (documents) => `${valueJson(documents, INDENT)}\n`;
  if (format === "json") return (documents) => `${valueJson(documents)}\n`;
  const template = new Template(format);
  return (documents) => documents.map((document) => `${template.execute(document)}\n`).join("") || "\n";
}
