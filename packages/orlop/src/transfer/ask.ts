import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";

/** Asks who sits at the terminal for a line. @throws OrlopError `cancelled` at its end */
export async function ask(question: string): Promise<string> {
  return await readLine(question, caller().stderr);
}

/** The same for what nobody should see. */
export async function askSecretly(question: string): Promise<string> {
  caller().stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await readLine("", nowhere);
  } finally {
    caller().stderr.write("\n");
  }
}

async function readLine(question: string, output: NodeJS.WritableStream): Promise<string> {
  const abort = new AbortController();
  const lines = createInterface({ input: caller().stdin, output, terminal: true, historySize: 0 });
  lines.once("SIGINT", () => abort.abort());
  lines.once("close", () => abort.abort());
  try {
    return (await lines.question(question, { signal: abort.signal })).trim();
  } catch (error) {
    throw new OrlopError("cancelled", "Cannot log in: nothing was entered", { cause: error });
  } finally {
    lines.close();
  }
}
