import { spawnSync } from "node:child_process";
import { busyboxObstacle } from "./rootfs.ts";

/** Why criu cannot be tried here, or undefined when it can; `feature` is one that `criu check --feature` knows. */
export function criuObstacle(feature?: string): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const { error, status, stderr } = spawnSync(
    "criu",
    feature === undefined ? ["check"] : ["check", "--feature", feature],
    {
      encoding: "utf8",
    },
  );
  if (error !== undefined) return "needs criu (Debian: apt-get install criu)";
  if (spawnSync("iptables-restore", ["--version"]).error !== undefined) {
    return "needs iptables, which criu calls (Debian: apt-get install iptables)";
  }
  if (status === 0) return busyboxObstacle();
  const said = stderr.split("\n").findLast((line) => /Error|Warn/.test(line) && !/exited, status/.test(line));
  return `needs a kernel that criu works on: ${said ?? `criu check ended with ${status}`}`;
}
