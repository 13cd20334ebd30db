import type { Flag } from "../flags/flag.ts";

export const PRUNE_FLAGS: readonly Flag[] = [
  { name: "all", short: "a", help: "Remove all images that no container uses, not only those without a name" },
  { name: "force", short: "f", help: "Do not ask" },
  {
    name: "filter",
    value: "NAME=VALUE",
    help: "Only images made until=TIME, with a label=KEY[=VALUE], or without: label!=KEY[=VALUE]",
  },
];

/** Lines below a heading, as docker's prune prints them; nothing where there are none. */
export function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${heading}:\n${lines.join("\n")}\n\n`;
}
