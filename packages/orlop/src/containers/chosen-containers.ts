import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Flag } from "../flags/flag.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";
import type { ContainerCall } from "./container-verb.ts";

/** Podman's flags of the verbs that take all containers as well. */
export const CHOICE_FLAGS: readonly Flag[] = [
  { name: "all", short: "a", help: "All that it makes sense for, instead of those that are named" },
  {
    name: "filter",
    value: "NAME=VALUE",
    help: "Of all, those of a label=, name=, status=, ancestor=, ... as orlop ps has it",
  },
];

/**
 * The containers of a call: those it names or, with `--all` or `--filter`, all that suit.
 *
 * @returns undefined if it asks for all, and there is none
 * @throws OrlopError `invalid` for both at once
 */
export async function chosenContainers(
  { engine, flags }: ContainerCall,
  suits: (container: Container) => boolean | Promise<boolean>,
): Promise<readonly string[] | undefined> {
  if (!flags.isOn("all") && !flags.has("filter")) return flags.positional;
  if (flags.positional.length > 0) {
    throw new OrlopError("invalid", "either all containers are taken, or those that are named");
  }
  const filters = parseContainerFilters(flags.list("filter"));
  const names: string[] = [];
  for (const container of filterContainers(await engine.list(), filters)) {
    if (await suits(container)) names.push(container.name);
  }
  return names.length === 0 ? undefined : names;
}
