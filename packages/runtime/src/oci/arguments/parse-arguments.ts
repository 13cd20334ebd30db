import { OrlopError } from "@orlop/core";
import { parseDuration } from "./duration.ts";
import type { Flag } from "./flag.ts";
import { GivenArguments } from "./given-arguments.ts";

/** Every verb has it. */
export const HELP: Flag = { name: "help", short: "h", kind: "switch", help: "Show this help" };

/** Spellings of on and off, as Go's strconv.ParseBool reads them. */
const SWITCH_WORDS: ReadonlyMap<string, string> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, "true"] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, "false"] as const),
]);

/**
 * Reads a command line as Go's package flag does, on which runc's stands: one dash or two before a name of any length,
 * `--name value` and `--name=value`, a switch takes a value only behind `=`, `--` ends the flags. Flags may also follow
 * other words, unless `stopAtPositional`.
 *
 * @throws OrlopError `invalid`, in runc's words
 */
export function parseArguments(
  flags: readonly Flag[],
  args: readonly string[],
  options: { readonly stopAtPositional: boolean },
): GivenArguments {
  const known = [...flags, HELP];
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      if (options.stopAtPositional) break;
      continue;
    }
    if (word === "--") break;
    const [flag, value] = takeFlag(known, word, rest);
    values.set(flag.name, [...(values.get(flag.name) ?? []), value]);
  }
  const isHelpWanted = values.get(HELP.name)?.at(-1) === "true";
  return new GivenArguments(flags, values, [...positional, ...rest], isHelpWanted);
}

function takeFlag(known: readonly Flag[], word: string, rest: string[]): readonly [Flag, string] {
  const { name, value } = splitFlag(word);
  const flag = known.find((each) => each.name === name || each.short === name);
  if (flag === undefined) throw invalid(`flag provided but not defined: -${name}`);
  if (flag.kind === "switch") return [flag, switchValue(name, value ?? "true")];
  const given = value ?? rest.shift();
  if (given === undefined) throw invalid(`flag needs an argument: -${name}`);
  checkValue(flag, name, given);
  return [flag, given];
}

function splitFlag(word: string): { readonly name: string; readonly value: string | undefined } {
  const text = word.replace(/^--?/, "");
  if (text === "" || text.startsWith("-") || text.startsWith("=")) throw invalid(`bad flag syntax: ${word}`);
  const equals = text.indexOf("=");
  return equals < 0 ? { name: text, value: undefined } : { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function switchValue(name: string, value: string): string {
  const found = SWITCH_WORDS.get(value);
  if (found === undefined) throw invalid(`invalid boolean value ${JSON.stringify(value)} for -${name}: parse error`);
  return found;
}

function checkValue({ kind }: Flag, name: string, value: string): void {
  const parts = kind === "integers" ? value.split(",") : [value];
  const wrong =
    (kind === "integer" || kind === "integers") && !parts.every(isInteger)
      ? "parse error"
      : kind === "duration" && parseDuration(value) === undefined
        ? "it is no duration such as 5s or 100ms"
        : undefined;
  if (wrong !== undefined) throw invalid(`invalid value ${JSON.stringify(value)} for flag -${name}: ${wrong}`);
}

/** Digits alone: a number with anything else in it is not read as the number that it begins with. */
function isInteger(text: string): boolean {
  return /^[+-]?\d{1,15}$/.test(text);
}

function invalid(message: string): OrlopError {
  return new OrlopError("invalid", message, { operation: "read command line" });
}
