import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { parseMountinfo } from "./mountinfo.ts";

/** Where cgroup hierarchies are mounted: one on a pure v2 machine, one for each controller on v1. */
function cgroupMountPoints(): readonly string[] {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))
    .filter(({ type }) => type === "cgroup" || type === "cgroup2")
    .map(({ mountPoint }) => mountPoint);
}

/** Directories below, parents first; one that goes away while we look is skipped. */
function* directoriesBelow(path: string): Generator<string> {
  let names: readonly string[];
  try {
    names = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return;
  }
  for (const name of names) {
    yield join(path, name);
    yield* directoriesBelow(join(path, name));
  }
}

/** Every cgroup of any hierarchy with a path component that contains `mark`, such as a container's id. Parents first. */
export function cgroupDirectories(mark: string): readonly string[] {
  const points = cgroupMountPoints();
  return points.flatMap((point) =>
    [...directoriesBelow(point)].filter((path) => path.slice(point.length).includes(mark)),
  );
}

/** Removes them all. Throws `EBUSY` when one still holds a process. */
export function removeCgroupDirectories(mark: string): void {
  for (const path of cgroupDirectories(mark).toReversed()) rmdirSync(path);
}
