import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { patience } from "@orlop/testkit";

/** The kernel takes a moment to finish the exit of a process and the removal of a cgroup. */
const SETTLE_MAX_MS = patience(5000);
const SETTLE_PAUSE_MS = 20;

/**
 * What is left of containers: their cgroups, processes in those, directories in the state directory, mounts. Waits for
 * it to go away, and returns what does not.
 */
export async function findLeftovers(ids: readonly string[], stateDirectory: string): Promise<readonly string[]> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  for (;;) {
    const found = look(ids, stateDirectory);
    if (found.length === 0 || performance.now() > deadline) return found;
    await sleep(SETTLE_PAUSE_MS);
  }
}

function look(ids: readonly string[], stateDirectory: string): readonly string[] {
  const mentions = (text: string): boolean => ids.some((id) => text.includes(id));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(mentions);
  const processes = list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => mentions(read(`/proc/${pid}/cgroup`)) || mentions(read(`/proc/${pid}/mountinfo`)));
  return [
    // One directory for each runtime that containers were made with.
    ...list(stateDirectory, true)
      .flatMap((runtime) => list(`${stateDirectory}/${runtime}`))
      .filter((name) => ids.includes(name))
      .map((name) => `state directory of ${name}`),
    ...list(`${stateDirectory}/names`).filter((name) => mentions(name)),
    ...mounts.map((line) => `mount ${line}`),
    ...processes.map((pid) => `process ${pid} ${read(`/proc/${pid}/comm`).trim()}`),
    ...cgroups()
      .filter(mentions)
      .map((path) => `cgroup ${path}`),
  ];
}

/** Cgroups that can be ours, in every hierarchy. */
function cgroups(): readonly string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
  return points.flatMap((point) => below(point, 6));
}

function below(path: string, depth: number): readonly string[] {
  if (depth === 0) return [];
  return list(path, true).flatMap((name) => [`${path}/${name}`, ...below(`${path}/${name}`, depth - 1)]);
}

function list(path: string, directoriesOnly = false): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => !directoriesOnly || entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
