import { execFileSync } from "node:child_process";

/** Ids of the groups that are no subvolumes' own. */
export function quotaGroups(directory: string): readonly string[] {
  const lines = execFileSync("btrfs", ["qgroup", "show", directory], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /^1\/\d+/.exec(line)?.[0] ?? []);
}
