import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { humanSize } from "../format/human-size.ts";
import { type GcCall, gcCommand } from "./gc-verb.ts";
import { isConfirmed } from "./is-confirmed.ts";
import { imagePruneFilters, prunableImages, withoutDangling } from "./prunable-images.ts";
import { pruneImages } from "./prune-images.ts";
import { PRUNE_FLAGS, section } from "./prune-words.ts";
import { tellPruned } from "./tell-pruned.ts";

export const imagePruneCommand: Command = gcCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description:
      "Removes images that have no name, and gives back what only they take on the disk. What containers use stays.",
    examples: [
      ["orlop image prune -a --filter until=240h", "all that are not in use and were made more than ten days ago"],
    ],
    table: {
      flags: PRUNE_FLAGS,
      refused: [{ name: "external", isSwitch: true, reason: "there are no containers of other programs' here" }],
      flagsAnywhere: true,
    },
  },
  pruneUnusedImages,
);

export async function pruneUnusedImages(call: GcCall): Promise<number> {
  const { shelf, flags, print } = call;
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop image prune" takes no arguments');
  const filters = withoutDangling(flags.list("filter"), flags.isOn("all"));
  imagePruneFilters(filters);
  const what = flags.isOn("all")
    ? "all images without at least one container associated to them"
    : "all dangling images";
  if (!flags.isOn("force") && !(await isConfirmed(call, `This will remove ${what}.`))) return 0;
  const lines = await pruneImages(shelf, await prunableImages(call, filters));
  const { freedBytes } = await shelf.collectGarbage();
  tellPruned(shelf.database, "image", freedBytes);
  print(`${section("Deleted Images", lines)}Total reclaimed space: ${humanSize(freedBytes)}\n`);
  return 0;
}
