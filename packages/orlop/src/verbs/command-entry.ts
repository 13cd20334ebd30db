import type { Command } from "../command.ts";

/** What loads the code of a verb: starting fast means loading little. */
export interface LazyCommand {
  readonly summary: string;
  load(): Promise<Command>;
}

/** A verb before its code is loaded. */
export interface CommandEntry extends LazyCommand {
  readonly name: string;
  /** Other words for it, which lists do not show. */
  readonly aliases?: readonly string[];
}

/** Verbs of two words, of which the first says what they are about. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandEntry[];
}
