import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { Call } from "./call.ts";
import type { GlobalOptions } from "./global-options.ts";
import type { Log } from "./log.ts";
import type { OciContainers } from "./oci-containers.ts";

/** One verb of the command. */
export interface Verb {
  readonly name: string;
  /** What stands behind the name, without the flags: `CONTAINER [SIGNAL]`. */
  readonly usage: string;
  /** Whole paragraphs, in lines as they are printed. */
  readonly description: string;
  readonly flags: readonly Flag[];
  /** How many words it takes beside flags. */
  readonly words: readonly [least: number, most: number];
  /** Everything behind the first word belongs to somebody else: a program, ps. */
  readonly stopAtPositional?: true;
  /** Resolves with the exit code. */
  run(context: VerbContext): Promise<number>;
}

/** What a verb works with. */
export interface VerbContext {
  readonly call: Call;
  readonly given: GivenArguments;
  readonly globals: GlobalOptions;
  readonly log: Log;
  /** Opened when they are first asked for: not every verb has to do with any. */
  containers(): Promise<OciContainers>;
}
