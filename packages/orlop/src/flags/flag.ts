/** One flag of a command, as the command line takes it and as the help shows it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Other long spellings, which the help does not show. */
  readonly aliases?: readonly string[];
  /** What the help shows for the value: `bytes`, `list`. Absent: a switch that is on or off. */
  readonly value?: string;
  /** An empty value stands for none, and takes back one before it: docker's flags that are a text, for `--name "$NAME"`. */
  readonly emptyIsNone?: true;
  readonly help: string;
  /** Heading in the help that the flag stands under. */
  readonly group?: string;
}

/** A flag that users of other tools know and that this command refuses by name. */
export interface RefusedFlag {
  readonly name: string;
  readonly short?: string;
  /** Takes no value. */
  readonly isSwitch?: true;
  /** Why it is refused, or what to do instead; completes `Cannot use flag "--x": `. */
  readonly reason: string;
}

/** What the parser needs to know of a command. */
export interface FlagTable {
  readonly flags: readonly Flag[];
  readonly refused?: readonly RefusedFlag[];
  /** Flags may stand behind other words, too; absent: the first word that is no flag ends them. */
  readonly flagsAnywhere?: true;
}

/** `-m, --memory`: how a flag is called in errors and in the help. */
export function flagTitle(flag: { readonly name: string; readonly short?: string }): string {
  return flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
}
