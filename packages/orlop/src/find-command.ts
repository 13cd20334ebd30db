import { COMMANDS, GROUPS, OWN_COMMANDS } from "./command-table.ts";
import type { CommandEntry, CommandGroup } from "./verbs/command-entry.ts";

/** What the first words of a command line say. */
export type NamedCommand =
  | { readonly kind: "command"; readonly entry: CommandEntry; readonly path: string; readonly rest: readonly string[] }
  /** Only the first word of two. */
  | { readonly kind: "group"; readonly group: CommandGroup }
  /** Nothing that there is; `group` when the first of two words was one. */
  | { readonly kind: "unknown"; readonly path: string; readonly group: string | undefined };

export function findCommand(words: readonly string[]): NamedCommand {
  const [first = "", ...others] = words;
  const entry = [...COMMANDS, ...OWN_COMMANDS].find((each) => isCalled(each, first));
  if (entry !== undefined) return { kind: "command", entry, path: first, rest: others };
  const group = GROUPS.find(({ name }) => name === first);
  if (group === undefined) return { kind: "unknown", path: first, group: undefined };
  const [second, ...rest] = others;
  if (second === undefined || second === "--help" || second === "-h") return { kind: "group", group };
  const path = `${first} ${second}`;
  const inGroup = group.commands.find((each) => isCalled(each, second));
  return inGroup === undefined
    ? { kind: "unknown", path, group: first }
    : { kind: "command", entry: inGroup, path, rest };
}

function isCalled({ name, aliases }: CommandEntry, word: string): boolean {
  return name === word || aliases?.includes(word) === true;
}

/** All ways to call a verb, one after the other: `images`, `image ls`, `image list`. */
export function spellingsOf({ load }: CommandEntry): readonly string[] {
  const isSame = (entry: CommandEntry): boolean => entry.load === load;
  const words = ({ name, aliases = [] }: CommandEntry): readonly string[] => [name, ...aliases];
  return [
    ...COMMANDS.filter(isSame).flatMap(words),
    ...GROUPS.flatMap((group) =>
      group.commands.filter(isSame).flatMap((entry) => words(entry).map((word) => `${group.name} ${word}`)),
    ),
  ];
}
