import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { FlagError } from "../flags/flag-error.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printError, printText, printWarning } from "../print.ts";
import { Attendant } from "./attendant.ts";
import { NamesProcess } from "./names-process.ts";
import { type OpenEngine, openEngine } from "./open-engine.ts";

/** One call of a verb for containers. */
export interface ContainerCall extends OpenEngine {
  readonly flags: ParsedFlags;
  readonly nowMs: number;
}

/** A command that works with this user's containers; resolves with the exit code. */
export function containerCommand(
  command: Omit<Command, "run" | "failureExitCode">,
  verb: (call: ContainerCall) => Promise<number>,
): Command {
  return {
    ...command,
    failureExitCode: 1,
    async run(flags) {
      await using open = openEngine();
      try {
        return await verb({ ...open, flags, nowMs: Date.now() });
      } finally {
        const isOwn = command.name.startsWith("_");
        if (!isOwn) Attendant.ensure(open.engine, open.depot.root);
        if (!isOwn && open.engine.isConnected) {
          // What the verb has done is done, whatever becomes of this.
          await open.engine.mendNetworks().catch((error: Error) => printWarning(error.message));
          await NamesProcess.ensure(open.engine, open.depot.root);
        }
      }
    },
  };
}

/** The only container of a command line that takes one. */
export function oneContainer({ positional }: ParsedFlags): string {
  const [text, ...others] = positional;
  if (text !== undefined && others.length === 0) return text;
  throw new OrlopError("invalid", `one container is taken, and there are ${positional.length}`);
}

/**
 * Does the same with each container, all at once, and prints what comes of it in their order. Goes on after a failure.
 *
 * @param names undefined: all were asked for, and there is none
 * @param work resolves with the line to print; absent: the container as it was named
 */
export async function withEach(
  names: readonly string[] | undefined,
  work: (name: string) => Promise<string | undefined>,
): Promise<number> {
  if (names === undefined) return 0;
  if (names.length === 0) throw new OrlopError("invalid", "at least one container is required");
  const results = await Promise.allSettled(names.map(work));
  let exitCode = 0;
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") {
      printText(`${result.value ?? names[index]}\n`);
      continue;
    }
    // What is wrong with a flag is so for all of them.
    if (!(result.reason instanceof OrlopError) || result.reason instanceof FlagError) throw result.reason;
    printError(result.reason.message);
    exitCode = 1;
  }
  return exitCode;
}
