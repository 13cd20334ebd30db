import { OrlopError } from "@orlop/core";
import { type Flag, type FlagTable, flagTitle, type RefusedFlag } from "./flag.ts";
import { FlagError } from "./flag-error.ts";
import { ParsedFlags } from "./parsed-flags.ts";

/** Spellings of on and off, as Go's strconv.ParseBool reads them. */
const SWITCH_WORDS: ReadonlyMap<string, "true" | "false"> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, "true"] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, "false"] as const),
]);

/** Every command has it, and the letter too where it stands for nothing else, as with docker and podman. */
const HELP: Flag = { name: "help", short: "h", help: "Show this help" };

/**
 * Reads a command line as pflag does, which docker, podman and kubectl use: `--name value`, `--name=value`, `-n value`,
 * `-nvalue`, `-n=value`, switches in one word (`-it`) and with a value (`-t=false`); `--` ends the flags, and so does
 * the first word that is none, unless the command takes flags anywhere.
 *
 * @throws OrlopError `invalid` for an unknown flag and a missing value, `unsupported` for a refused flag
 */
export function parseFlags(table: FlagTable, args: readonly string[]): ParsedFlags {
  const rest = [...args];
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  const given: string[] = [];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") break;
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      if (table.flagsAnywhere === true) continue;
      break;
    }
    const before = rest.length;
    const found = word.startsWith("--") ? [takeLong(table, word, rest)] : takeShort(table, word, rest);
    for (const [flag, value] of found) {
      const checked = flag.value === undefined ? switchWord(flag, value) : value;
      if (checked === "" && flag.emptyIsNone === true) values.delete(flag.name);
      else values.set(flag.name, [...(values.get(flag.name) ?? []), checked]);
    }
    given.push(...args.slice(args.length - before - 1, args.length - rest.length));
  }
  return new ParsedFlags(table.flags, values, [...positional, ...rest], given);
}

type FlagValue = readonly [flag: Flag, value: string];

function takeLong(table: FlagTable, word: string, rest: string[]): FlagValue {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  if (name === "" || name.startsWith("-")) throw invalid(`bad flag syntax: ${word}`);
  const flag = [...table.flags, HELP].find((each) => each.name === name || each.aliases?.includes(name));
  if (flag === undefined) {
    refuse(table.refused?.find((each) => each.name === name));
    throw invalid(`unknown flag: --${name}`);
  }
  if (equals >= 0) return [flag, word.slice(equals + 1)];
  const value = flag.value === undefined ? "true" : rest.shift();
  if (value === undefined) throw invalid(`flag needs an argument: --${name}`);
  return [flag, value];
}

/** One word of short flags: switches, of which the last may be a flag with a value. */
function takeShort(table: FlagTable, word: string, rest: string[]): readonly FlagValue[] {
  const found: FlagValue[] = [];
  for (let letters = word.slice(1); letters !== ""; letters = letters.slice(1)) {
    const letter = letters.charAt(0);
    const refused = table.refused?.find(({ short }) => short === letter);
    const flag = [...table.flags, ...(refused === undefined ? [HELP] : [])].find(({ short }) => short === letter);
    if (flag === undefined) {
      refuse(refused);
      throw invalid(`unknown shorthand flag: '${letter}' in ${word}`);
    }
    if (letters.charAt(1) === "=") return [...found, [flag, letters.slice(2)]];
    if (flag.value !== undefined) {
      const value = letters.length > 1 ? letters.slice(1) : rest.shift();
      if (value === undefined) throw invalid(`flag needs an argument: '${letter}' in ${word}`);
      return [...found, [flag, value]];
    }
    found.push([flag, "true"]);
  }
  return found;
}

function switchWord(flag: Flag, value: string): "true" | "false" {
  const word = SWITCH_WORDS.get(value);
  if (word !== undefined) return word;
  const title = JSON.stringify(flagTitle(flag));
  throw invalid(`invalid argument ${JSON.stringify(value)} for ${title} flag: it is a switch, true or false`);
}

function refuse(flag: RefusedFlag | undefined): void {
  if (flag === undefined) return;
  throw new OrlopError("unsupported", `Cannot use flag "--${flag.name}": ${flag.reason}`, { field: flag.name });
}

function invalid(message: string): OrlopError {
  return new FlagError("invalid", message);
}
