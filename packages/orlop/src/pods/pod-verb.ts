import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { Pod } from "@orlop/engine";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { ContainerCall } from "../containers/container-verb.ts";
import type { Flag } from "../flags/flag.ts";
import { printError, printText } from "../print.ts";

export const ALL: Flag = { name: "all", short: "a", help: "All pods" };
export const LATEST: Flag = { name: "latest", short: "l", help: "The pod made last" };

export const POD_ID_FILE: Flag = {
  name: "pod-id-file",
  value: "FILE",
  help: "The pod whose id pod create has written to a file",
};

/** @throws OrlopError for a file that cannot be read or is empty */
export function readIdFile(path: string): string {
  const what = `read pod ID file "${path}"`;
  let text: string;
  try {
    text = readFileSync(caller().path(path), "utf8");
  } catch (cause) {
    throw systemFailure(what, cause);
  }
  const [id = ""] = text.trim().split("\n");
  if (id === "") throw new OrlopError("invalid", `Cannot ${what}: it is empty`);
  return id;
}

/** Those that a command line names, or with `--latest` the one made last. @throws OrlopError `invalid` for both */
export async function namedOrLatestPods({ engine, flags }: ContainerCall): Promise<readonly string[]> {
  if (!flags.isOn("latest")) return flags.positional;
  if (flags.positional.length > 0) throw new OrlopError("invalid", "--latest goes without names of pods");
  return await latestPod(engine);
}

/** Its id, alone in a list. @throws OrlopError `not-found` */
export async function latestPod(engine: ContainerCall["engine"]): Promise<readonly [string]> {
  const [latest] = await engine.pods.list();
  if (latest === undefined) throw new OrlopError("not-found", 'Cannot use flag "--latest": there is no pod');
  return [latest.pod.id];
}

/** The pods of a command line: those named, or with `--all` or `--latest` those. */
export async function podNames({ engine, flags }: ContainerCall): Promise<readonly string[]> {
  const isLatest = flags.isOn("latest");
  const files = flags.list("pod-id-file").map(readIdFile);
  if (files.length > 0) {
    if (flags.isOn("all") || isLatest) throw new OrlopError("invalid", "--all and --latest go without names of pods");
    return [...flags.positional, ...files];
  }
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
