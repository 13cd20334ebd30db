import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { humanSize } from "../format/human-size.ts";
import { type GcCall, gcCommand } from "./gc-verb.ts";
import { isConfirmed } from "./is-confirmed.ts";
import { pruneContainers, pruneFilter } from "./prune-containers.ts";
import { section } from "./prune-words.ts";
import { tellPruned } from "./tell-pruned.ts";

export const containerPruneCommand: Command = gcCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description: "Removes all containers that do not run, with what they have written and their logs.",
    examples: [["orlop container prune --filter until=24h", "those that were made more than a day ago"]],
    table: {
      flags: [
        { name: "force", short: "f", help: "Do not ask" },
        {
          name: "filter",
          value: "NAME=VALUE",
          help: "Only containers made until=TIME, with a label=KEY[=VALUE], or without: label!=KEY[=VALUE]",
        },
      ],
      flagsAnywhere: true,
    },
  },
  pruneStoppedContainers,
);

export async function pruneStoppedContainers(call: GcCall): Promise<number> {
  const { shelf, flags, print } = call;
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop container prune" takes no arguments');
  pruneFilter(call);
  if (!flags.isOn("force") && !(await isConfirmed(call, "This will remove all stopped containers."))) return 0;
  const { removed, freedBytes } = await pruneContainers(call);
  tellPruned(shelf.database, "container", freedBytes);
  print(`${section("Deleted Containers", removed)}Total reclaimed space: ${humanSize(freedBytes)}\n`);
  return 0;
}
