import assert from "node:assert/strict";
import { OrlopError } from "@orlop/core";
import { type Flag, flagTitle } from "./flag.ts";
import { FlagError } from "./flag-error.ts";

/** What was given on a command line: the values by flag, in their order, and what follows the flags. */
export class ParsedFlags {
  readonly positional: readonly string[];
  /** The words before those, as they were given: where flags do not stand behind other words. */
  readonly given: readonly string[];
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(
    flags: readonly Flag[],
    values: ReadonlyMap<string, readonly string[]>,
    positional: readonly string[],
    given: readonly string[] = [],
  ) {
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]));
    this.#values = values;
    this.positional = positional;
    this.given = given;
  }

  /** The same for who asks for the flags of another command, too: those were not given. */
  asFor(flags: readonly Flag[]): ParsedFlags {
    return new ParsedFlags([...flags, ...this.#flags.values()], this.#values, this.positional, this.given);
  }

  /** `--help` was given. */
  get isHelpWanted(): boolean {
    return this.#values.has("help");
  }

  /** Whether the command has such a flag at all; the others refuse to be asked for one that it has not. */
  knows(name: string): boolean {
    return this.#flags.has(name);
  }

  has(name: string): boolean {
    return this.#given(name).length > 0;
  }

  /** A switch; the last one given counts. */
  isOn(name: string): boolean {
    return this.#given(name).at(-1) === "true";
  }

  /** The last value given. */
  text(name: string): string | undefined {
    return this.#given(name).at(-1);
  }

  /** Every value given. */
  list(name: string): readonly string[] {
    return this.#given(name);
  }

  /** The last value, parsed; what the parser throws is told together with the flag. */
  parse<T>(name: string, parser: (value: string) => T): T | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : this.#parseOne(name, value, parser);
  }

  /** Every value, parsed. */
  parseAll<T>(name: string, parser: (value: string) => T): readonly T[] {
    return this.list(name).map((value) => this.#parseOne(name, value, parser));
  }

  #parseOne<T>(name: string, value: string, parser: (value: string) => T): T {
    try {
      return parser(value);
    } catch (cause) {
      if (!(cause instanceof OrlopError)) throw cause;
      const title = flagTitle(this.#flag(name));
      throw new FlagError(
        cause.code,
        `invalid argument ${JSON.stringify(value)} for ${JSON.stringify(title)} flag: ${cause.message}`,
        { cause },
      );
    }
  }

  #given(name: string): readonly string[] {
    this.#flag(name);
    return this.#values.get(name) ?? [];
  }

  #flag(name: string): Flag {
    const flag = this.#flags.get(name);
    assert(flag !== undefined, `the command has no flag "${name}"`);
    return flag;
  }
}
