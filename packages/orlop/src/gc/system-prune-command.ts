import { OrlopError } from "@orlop/core";
import type { RemovedThing } from "@orlop/image";
import type { Command } from "../command.ts";
import { humanSize } from "../format/human-size.ts";
import { type GcCall, gcCommand } from "./gc-verb.ts";
import { isConfirmed } from "./is-confirmed.ts";
import { prunableImages, pruneFilters } from "./prunable-images.ts";
import { pruneContainers } from "./prune-containers.ts";
import { pruneImages } from "./prune-images.ts";
import { PRUNE_FLAGS, section } from "./prune-words.ts";

export const systemPruneCommand: Command = gcCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description:
      "Removes containers that do not run, images that have no name, root file systems that nothing uses, and parts of images " +
      "whose transfer was cut off. What containers that are left and transfers use stays.",
    examples: [["orlop system prune -a -f", "all that is not in use, without being asked"]],
    table: {
      flags: PRUNE_FLAGS,
      refused: [{ name: "volumes", isSwitch: true, reason: "there are no volumes that orlop keeps" }],
      flagsAnywhere: true,
    },
  },
  pruneSystem,
);

export async function pruneSystem(call: GcCall): Promise<number> {
  const { shelf, flags, print } = call;
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop system prune" takes no arguments');
  pruneFilters(flags.list("filter"));
  if (!flags.isOn("force") && !(await isConfirmed(call, warning(flags.isOn("all"))))) return 0;
  const { removed: containers, freedBytes: freedWithThem } = await pruneContainers(call);
  const lines = await pruneImages(shelf, await prunableImages(call));
  const { removed, freedBytes } = await shelf.collectGarbage({ leftoverAgeMs: 0 });
  const names = (...kinds: readonly RemovedThing["kind"][]): readonly string[] =>
    removed.flatMap(({ kind, name }) => (kinds.includes(kind) ? [name] : []));
  print(section("Deleted Containers", containers));
  print(section("Deleted Images", lines));
  print(section("Deleted Root File Systems", names("snapshot")));
  print(section("Deleted Partial Downloads", names("ingest", "file")));
  print(`Total reclaimed space: ${humanSize(freedWithThem + freedBytes)}\n`);
  return 0;
}

function warning(isAll: boolean): string {
  const images = isAll ? "all images without at least one container associated to them" : "all dangling images";
  const all = [
    "all stopped containers",
    images,
    "all root file systems that nothing uses",
    "all downloads that were cut off",
  ];
  return `This will remove:\n${all.map((each) => `  - ${each}\n`).join("")}`;
}
