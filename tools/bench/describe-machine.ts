import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { findProgram } from "../steps/find-program.ts";

/** What the figures depend on. */
export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly memoryGiB: number;
  /** How busy the machine was when the measuring began: the mean number of runnable processes in the last minute. */
  readonly load: number;
  /** Name and version of everything that was compared. */
  readonly versions: readonly (readonly [name: string, version: string])[];
  /** ISO 8601, in UTC. */
  readonly date: string;
}

export function describeMachine(versions: MachineDescription["versions"]): MachineDescription {
  return {
    processor: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    kernel: `${release()} ${process.arch}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
    versions,
    date: `${new Date().toISOString().slice(0, 16)}Z`,
  };
}

/** Everything that takes part in a comparison, as far as it is installed. */
export function comparedVersions(root: string): MachineDescription["versions"] {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
  const programs = ["crun", "runc", "conmon", "podman", "containerd", "node"].flatMap((name) => {
    const path = findProgram(name);
    return path === undefined ? [] : [[name === "node" ? "the machine's Node" : name, programVersion(path)] as const];
  });
  return [["orlop", version], ["the checkout's Node", process.version], ...programs];
}

/** What stands behind the word "version", or the path of a module of Go, in the answer to `--version`, or all of its first line. */
function programVersion(path: string): string {
  const [line = ""] = execFileSync(path, ["--version"], { encoding: "utf8" }).split("\n");
  return /(?:version|github\.com\/\S+) v?(\S+)/.exec(line)?.[1] ?? line.trim();
}
