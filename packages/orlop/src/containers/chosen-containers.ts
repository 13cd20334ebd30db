import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { Flag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printError } from "../print.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";
import type { ContainerCall } from "./container-verb.ts";
import { LATEST, latestContainer } from "./latest-container.ts";

const ALL: Flag = { name: "all", short: "a", help: "All that it makes sense for, instead of those that are named" };
const FILTER: Flag = {
  name: "filter",
  value: "NAME=VALUE",
  help: "Of all, those of a label=, name=, status=, ancestor=, ... as orlop ps has it",
};
const CIDFILE: Flag = { name: "cidfile", value: "FILE", help: "The one whose id run or create has written to a file" };

/** Podman's flags of the verbs that take all containers as well. */
export const CHOICE_FLAGS: readonly Flag[] = [ALL, FILTER];

/** The same of those that take one by other marks as well; `-f` is something else for some of them. */
export const MARK_FLAGS: readonly Flag[] = [LATEST, CIDFILE];
export const SHORT_CHOICE_FLAGS: readonly Flag[] = [ALL, { ...FILTER, short: "f" }, ...MARK_FLAGS];

/** What makes up for containers that are not there. */
export const IGNORE: Flag = { name: "ignore", short: "i", help: "Pass over containers that are not there" };

/**
 * The containers of a call: those it names or, with `--all` or `--filter`, all that suit; with `--latest` the one made last,
 * with `--cidfile` those whose ids stand in files.
 *
 * @returns undefined if it asks for all, and there is none
 * @throws OrlopError `invalid` for both at once
 */
export async function chosenContainers(
  { engine, flags }: Pick<ContainerCall, "engine" | "flags">,
  suits: (container: Container) => boolean | Promise<boolean>,
): Promise<readonly string[] | undefined> {
  const marked = await markedContainers({ engine, flags });
  if (!flags.isOn("all") && !flags.has("filter")) return marked ?? flags.positional;
  if (flags.positional.length > 0 || marked !== undefined) {
    throw new OrlopError("invalid", "either all containers are taken, or those that are named");
  }
  const filters = parseContainerFilters(flags.list("filter"));
  const names: string[] = [];
  for (const container of filterContainers(await engine.list(), filters)) {
    if (await suits(container)) names.push(container.name);
  }
  return names.length === 0 ? undefined : names;
}

/** Undefined where there is no such flag, or it was not given. */
async function markedContainers(call: Pick<ContainerCall, "engine" | "flags">): Promise<readonly string[] | undefined> {
  const { flags } = call;
  const isLatest = flags.knows("latest") && flags.isOn("latest");
  const files = flags.knows("cidfile") ? flags.list("cidfile") : [];
  if (!isLatest && files.length === 0) return undefined;
  if (isLatest && (files.length > 0 || flags.positional.length > 0)) {
    throw new OrlopError("invalid", "either the latest container is taken, or those that are named");
  }
  if (isLatest) return [(await latestContainer(call)).id];
  return [...flags.positional, ...files.flatMap((file) => readIdFile(file, ignoresMissing(flags)))];
}

function ignoresMissing(flags: ParsedFlags): boolean {
  return flags.knows("ignore") && flags.isOn("ignore");
}

function readIdFile(path: string, isIgnored: boolean): readonly string[] {
  try {
    const [id = ""] = readFileSync(caller().path(path), "utf8").split("\n");
    if (id.trim() !== "") return [id.trim()];
  } catch (cause) {
    if (isIgnored && (cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw systemFailure(`read container ID file "${path}"`, cause);
  }
  throw new OrlopError("invalid", `Cannot read container ID file "${path}": it is empty`);
}

/** Those that are there; of the others it is said that they are not, unless nobody wants to know. */
export async function containersThere(
  engine: Pick<Engine, "find">,
  names: readonly string[],
  tells: boolean,
): Promise<readonly string[]> {
  const there: string[] = [];
  for (const name of names) {
    try {
      await engine.find(name);
      there.push(name);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
      if (tells) printError(error.message);
    }
  }
  return there;
}
