import { execFileSync } from "node:child_process";
import { OrlopError } from "@orlop/core";
import { BTRFS_QUOTA_CTL } from "@orlop/kernel";
import type { SystemCalls } from "../system/system-calls.ts";
import { openDirectory } from "./open-directory.ts";

/** As `btrfs quota enable --simple`, which older btrfs-progs do not have; gives why it cannot be. */
export async function enableSimpleQuotas(system: SystemCalls, directory: string): Promise<string | undefined> {
  try {
    await system.run(`enable quotas of "${directory}"`, (p) => {
      const root = openDirectory(p, directory, "root");
      const request = p.struct(BTRFS_QUOTA_CTL, { cmd: p.flags("BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA") });
      p.call("ioctl", [root, p.flags("BTRFS_IOC_QUOTA_CTL"), request]);
    });
    return undefined;
  } catch (error) {
    if (error instanceof OrlopError && error.errno === "EINVAL") return "needs simple quotas of btrfs (Linux 6.7)";
    throw error;
  }
}

/** Ids of the groups that are no subvolumes' own. */
export function quotaGroups(directory: string): readonly string[] {
  const lines = execFileSync("btrfs", ["qgroup", "show", directory], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /^1\/\d+/.exec(line)?.[0] ?? []);
}
