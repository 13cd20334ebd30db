import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import type { Call } from "../call.ts";
import { containerId } from "../container-id.ts";
import type { Verb } from "../verb.ts";

export const psVerb: Verb = {
  name: "ps",
  usage: "CONTAINER [PS OPTIONS...]",
  description: `Shows the processes of a container by their numbers on the host: the lines of ps(1) that are
about them. PS OPTIONS are -ef unless given; what ps shows needs a column PID.`,
  flags: [
    { name: "format", short: "f", kind: "text", value: "table|json", help: "table, or the numbers as JSON (table)" },
  ],
  words: [1, Number.POSITIVE_INFINITY],
  stopAtPositional: true,
  async run({ call, given, containers }) {
    const id = containerId(given);
    const format = given.text("format") ?? "table";
    if (format !== "table" && format !== "json") {
      throw new OrlopError(
        "invalid",
        `Cannot show processes as "${format}": invalid format option, there are table and json`,
      );
    }
    const pids = await (await containers()).pids(id);
    const options = given.positional.slice(1);
    if (format === "json") call.print(`${JSON.stringify(pids)}\n`);
    else call.print(linesAbout(pids, await ps(call, options.length === 0 ? ["-ef"] : options)));
    return 0;
  },
};

/** Thousands of processes with long command lines. */
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

async function ps({ env, cwd }: Call, options: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)("ps", options, { env: { ...env }, cwd, maxBuffer: OUTPUT_MAX_BYTES })).stdout;
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: unknown; readonly stderr?: string };
    const problem = code === "ENOENT" ? "there is no such program\nTry --format json." : stderr.trim();
    throw new OrlopError("failed", `Cannot execute "ps": ${problem}`, { cause: error });
  }
}

function linesAbout(pids: readonly number[], output: string): string {
  const [title = "", ...lines] = output.split("\n");
  const column = title.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new OrlopError("invalid", "Cannot read the output of ps: couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  const found = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ""));
  return [title, ...found].map((line) => `${line}\n`).join("");
}
