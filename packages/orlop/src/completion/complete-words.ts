import type { Command } from "../command.ts";
import { COMMANDS, GROUPS } from "../command-table.ts";
import { findCommand } from "../find-command.ts";
import type { Flag } from "../flags/flag.ts";
import type { NameKind } from "./names-of.ts";

/** What may stand for the word that is being typed. */
interface Candidate {
  readonly word: string;
  readonly what: string;
}

/** The names that there are of a kind. */
type ReadNames = (kind: NameKind) => Promise<readonly string[]>;

/**
 * What the last of the words of a command line, behind `orlop`, may become. Nothing where that is a file, or whatever else
 * nobody here knows: the shell has ideas of its own then.
 */
export async function completeWords(words: readonly string[], readNames: ReadNames): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  const all = await candidates(before, typed, readNames);
  return all.filter(({ word }) => word.startsWith(typed));
}

async function candidates(
  before: readonly string[],
  typed: string,
  readNames: ReadNames,
): Promise<readonly Candidate[]> {
  if (before.length === 0) return [...COMMANDS, ...GROUPS].map(({ name, summary }) => ({ word: name, what: summary }));
  const found = findCommand(before);
  if (found.kind === "group") return found.group.commands.map(({ name, summary }) => ({ word: name, what: summary }));
  if (found.kind === "unknown") return [];
  return await ofCommand(await found.entry.load(), found.rest, typed, readNames);
}

async function ofCommand(
  command: Command,
  before: readonly string[],
  typed: string,
  readNames: ReadNames,
): Promise<readonly Candidate[]> {
  const { table, usage } = command;
  const state = readWords(table.flags, before, table.flagsAnywhere === true);
  if (state.awaited !== undefined) return await valuesOf(state.awaited, "", readNames);
  const mayBeFlag = state.takesFlags && typed.startsWith("-");
  if (!mayBeFlag) return await namesAt(usage, state.places, readNames);
  const [, name, prefix] = /^--([^=]+)(=)/.exec(typed) ?? [];
  const flag = table.flags.find((each) => each.name === name || each.aliases?.includes(name ?? "") === true);
  if (flag !== undefined && prefix !== undefined) return await valuesOf(flag, `--${name}=`, readNames);
  return [...table.flags, { name: "help", help: "Show this help" }].map(({ name: each, help }) => ({
    word: `--${each}`,
    what: help,
  }));
}

interface WordState {
  /** The flag whose value comes next. */
  readonly awaited: Flag | undefined;
  readonly takesFlags: boolean;
  /** How many words stand there that are neither flags nor their values. */
  readonly places: number;
}

/** Goes through words as the parser of flags does, which would refuse a line that is not finished. */
function readWords(flags: readonly Flag[], words: readonly string[], anywhere: boolean): WordState {
  let awaited: Flag | undefined;
  let takesFlags = true;
  let places = 0;
  for (const word of words) {
    if (awaited !== undefined) {
      awaited = undefined;
      continue;
    }
    if (takesFlags && word === "--") takesFlags = false;
    else if (takesFlags && word.startsWith("-") && word !== "-") awaited = awaitedBy(flags, word);
    else {
      places += 1;
      takesFlags &&= anywhere;
    }
  }
  return { awaited, takesFlags, places };
}

function awaitedBy(flags: readonly Flag[], word: string): Flag | undefined {
  if (word.includes("=")) return undefined;
  const flag = word.startsWith("--")
    ? flags.find(({ name, aliases }) => name === word.slice(2) || aliases?.includes(word.slice(2)) === true)
    : flags.find(({ short }) => short === word.at(-1));
  return flag?.value === undefined ? undefined : flag;
}

/** `always|missing|never`, or the names of what a flag names. */
async function valuesOf(
  { name, value = "", help }: Flag,
  prefix: string,
  readNames: ReadNames,
): Promise<readonly Candidate[]> {
  const isChoice = /^[a-z-]+(\|[a-z-]+)+$/.test(value);
  // A flag's NAME is a new one, or that of a variable.
  const names = value.startsWith("NAME") ? [] : await readNamesIn(value, readNames);
  const choices = isChoice ? value.split("|") : names;
  return choices.map((each) => ({ word: `${prefix}${each}`, what: prefix === "" ? help : name }));
}

/** The kinds of names by the words that usages have for them. */
const KINDS: Readonly<Record<string, readonly NameKind[]>> = {
  CONTAINER: ["container"],
  IMAGE: ["image"],
  NAME: ["container", "image"],
  "NAME|ID": ["container", "image"],
  NETWORK: ["network"],
  POD: ["pod"],
  "POD|CONTAINER|VOLUME": ["pod", "container", "volume"],
  REPOSITORY: ["image"],
  VOLUME: ["volume"],
};

/** What the usage of a command says of its n-th word: the last of them stands for all that follow, if it says `...`. */
async function namesAt(usage: string, place: number, readNames: ReadNames): Promise<readonly Candidate[]> {
  const words = usage.split(" ").filter((word) => word !== "" && word !== "[OPTIONS]");
  const word = words[place] ?? (words.at(-1)?.includes("...") === true ? words.at(-1) : undefined);
  const names = await readNamesIn((word ?? "").replace(/[[\]]|\.\.\.|:.*$/g, ""), readNames);
  return names.map((name) => ({ word: name, what: "" }));
}

async function readNamesIn(word: string, readNames: ReadNames): Promise<readonly string[]> {
  const kinds = KINDS[word.replace(/[[,].*$/, "")] ?? [];
  return (await Promise.all(kinds.map(readNames))).flat();
}
