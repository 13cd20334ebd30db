import type { Command } from "./command.ts";
import { COMMANDS, GROUPS } from "./command-table.ts";
import { type Flag, flagTitle } from "./flags/flag.ts";
import type { CommandEntry, CommandGroup } from "./verbs/command-entry.ts";
import { isWide, wrapText } from "./wrap-text.ts";

const WIDTH = 100;
/** Longer than the longest name of a command. */
const NAME_COLUMN = 13;
/** Where the explanations of flags begin. */
const COLUMN = 34;

export function overallHelp(): string {
  return [
    "Usage:  orlop COMMAND",
    "",
    "Containers on this machine, without a daemon and without root.",
    "",
    "Commands:",
    ...COMMANDS.map(entryRow),
    "",
    "Groups of commands:",
    ...GROUPS.map(entryRow),
    "",
    "Try:",
    "  orlop run host -- sh -c 'echo hello from $(hostname), pid $$'",
    "",
    "Run 'orlop COMMAND --help' for more about a command.",
    "",
  ].join("\n");
}

/** The commands of a group. */
export function groupHelp({ name, summary, commands }: CommandGroup): string {
  return [
    `Usage:  orlop ${name} COMMAND`,
    "",
    `${summary}.`,
    "",
    "Commands:",
    ...commands.map(entryRow),
    "",
    `Run 'orlop ${name} COMMAND --help' for more about a command.`,
    "",
  ].join("\n");
}

function entryRow({ name, summary }: Pick<CommandEntry, "name" | "summary">): string {
  return `  ${name.padEnd(NAME_COLUMN)}${summary}`;
}

/**
 * Everything there is to say about one command.
 *
 * @param path how it was called: `images`, `image ls`
 * @param spellings all ways to call it
 */
export function commandHelp(command: Command, path: string, spellings: readonly string[]): string {
  const { flags } = command.table;
  const groups = [...new Set(flags.map(({ group }) => group))];
  return [
    `Usage:  orlop ${path} ${command.usage}`,
    "",
    ...command.description.split("\n").map((line) => wrapText(line, WIDTH, "")),
    ...(spellings.length > 1 ? ["", "Also called:", `  ${spellings.map((each) => `orlop ${each}`).join(", ")}`] : []),
    ...groups.flatMap((group) => [
      "",
      group === undefined ? "Options:" : `${group}:`,
      ...flags.filter((flag) => flag.group === group).map(flagRow),
    ]),
    ...(command.examples.length === 0 ? [] : ["", "Examples:"]),
    ...command.examples.map(([line, what]) => `  ${line}\n      ${what}`),
    "",
  ].join("\n");
}

function flagRow(flag: Flag): string {
  const title = flag.short === undefined ? `    ${flagTitle(flag)}` : flagTitle(flag);
  const left = `  ${title}${flag.value === undefined ? "" : ` ${flag.value}`}`;
  const help = wrapText(flag.help, WIDTH - COLUMN, " ".repeat(COLUMN));
  return isWide(left, COLUMN) ? `${left}\n${" ".repeat(COLUMN)}${help}` : `${left.padEnd(COLUMN)}${help}`;
}
