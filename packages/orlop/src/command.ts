import type { FlagTable } from "./flags/flag.ts";
import type { ParsedFlags } from "./flags/parsed-flags.ts";

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** What stands behind the name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  /** What it does, for the help: whole paragraphs. */
  readonly description: string;
  /** Lines to try, with what each shows. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly table: FlagTable;
  /** Exit code of what orlop itself refuses or fails at. */
  readonly failureExitCode: number;
  /** Processes of containers begin with it: an ordinary user's calls are taken to where cgroups are the user's. */
  readonly startsProcesses?: true;
  /** Resolves with the exit code. */
  run(flags: ParsedFlags): Promise<number>;
}
