import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseMountinfo } from "@orlop/testkit";

/** Takes away what was mounted in a directory, or on it, and left. */
export function unmountBelow(directory: string): void {
  const points = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).map(({ mountPoint }) => mountPoint);
  const ours = points.filter((point) => point === directory || point.startsWith(`${directory}/`));
  for (const point of ours.reverse()) execFileSync("umount", [point]);
}
