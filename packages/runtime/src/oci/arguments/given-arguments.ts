import assert from "node:assert/strict";
import type { Flag } from "./flag.ts";

/** What was given on a command line: the values by flag, in their order, and the other words. */
export class GivenArguments {
  readonly positional: readonly string[];
  /** `--help` was given. */
  readonly isHelpWanted: boolean;
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(
    flags: readonly Flag[],
    values: ReadonlyMap<string, readonly string[]>,
    positional: readonly string[],
    isHelpWanted: boolean,
  ) {
    this.positional = positional;
    this.isHelpWanted = isHelpWanted;
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]));
    this.#values = values;
  }

  has(name: string): boolean {
    return this.list(name).length > 0;
  }

  /** A switch; the last one given counts. */
  isOn(name: string): boolean {
    return this.text(name) === "true";
  }

  /** The last value given. */
  text(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  /** The last value given, unless it is empty: callers pass an empty text for what they do not mean. */
  filledText(name: string): string | undefined {
    const text = this.text(name);
    return text === "" ? undefined : text;
  }

  integer(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** Every value given. */
  list(name: string): readonly string[] {
    assert(this.#flags.has(name), `the verb has no flag "${name}"`);
    return this.#values.get(name) ?? [];
  }

  /** Every value of a list of integers, which may have several in one word: `1,2`. */
  integers(name: string): readonly number[] {
    return this.list(name).flatMap((values) => values.split(",").map(Number));
  }

  /** Flags that were given, by name. */
  names(): readonly string[] {
    return [...this.#values.keys()];
  }
}
