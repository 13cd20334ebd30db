import { OrlopError } from "@orlop/core";
import type { Pod } from "@orlop/engine";
import type { ContainerCall } from "../containers/container-verb.ts";
import type { Flag } from "../flags/flag.ts";
import { printError, printText } from "../print.ts";

export const ALL: Flag = { name: "all", short: "a", help: "All pods" };
export const LATEST: Flag = { name: "latest", short: "l", help: "The pod made last" };

/** The pods of a command line: those named, or with `--all` or `--latest` those. */
export async function podNames({ engine, flags }: ContainerCall): Promise<readonly string[]> {
  const isLatest = flags.isOn("latest");
  if (!flags.isOn("all") && !isLatest) {
    if (flags.positional.length > 0) return flags.positional;
    throw new OrlopError("invalid", "you must provide at least one pod name or id");
  }
  if (flags.positional.length > 0) throw new OrlopError("invalid", "--all and --latest go without names of pods");
  const ids = (await engine.pods.list()).map(({ pod }) => pod.id);
  return isLatest ? ids.slice(0, 1) : ids;
}

/** Does the same with each pod, one after the other, and prints its id. Goes on after a failure. */
export async function withEachPod(
  names: readonly string[],
  work: (name: string) => Promise<Pod | undefined>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      const pod = await work(name);
      if (pod !== undefined) printText(`${pod.id}\n`);
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      printError(error.message);
      exitCode = 1;
    }
  }
  return exitCode;
}
