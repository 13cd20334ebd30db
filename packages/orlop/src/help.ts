import type { Command } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { type Flag, flagTitle } from "./flags/flag.ts";
import { isWide, wrapText } from "./wrap-text.ts";

const WIDTH = 100;
/** Where the explanations of flags begin. */
const COLUMN = 34;

export function overallHelp(): string {
  const rows = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
  return [
    "Usage:  orlop COMMAND",
    "",
    "Containers on this machine, without a daemon and without root.",
    "",
    "Commands:",
    ...rows,
    "",
    "Try:",
    "  orlop run host -- sh -c 'echo hello from $(hostname), pid $$'",
    "",
    "Run 'orlop COMMAND --help' for more about a command.",
    "",
  ].join("\n");
}

/** Everything there is to say about one command. */
export function commandHelp(command: Command): string {
  const { flags } = command.table;
  const groups = [...new Set(flags.map(({ group }) => group))];
  return [
    `Usage:  orlop ${command.name} ${command.usage}`,
    "",
    ...command.description.split("\n").map((line) => wrapText(line, WIDTH, "")),
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
