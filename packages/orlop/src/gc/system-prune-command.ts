import { existsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { Pod } from "@orlop/engine";
import type { RemovedThing } from "@orlop/image";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { humanSize } from "../format/human-size.ts";
import { pruneNetworks } from "../networks/prune-networks.ts";
import { endedPods } from "../pods/ended-pods.ts";
import { removeOrphaned } from "../run/own-directory.ts";
import { capturesDirectory, LIVE_CAPTURE } from "../try/capture.ts";
import { pruneVolumes } from "../volumes/prune-volumes.ts";
import { type GcCall, gcCommand } from "./gc-verb.ts";
import { isConfirmed } from "./is-confirmed.ts";
import { imagePruneFilters, prunableImages } from "./prunable-images.ts";
import { pruneContainers, pruneFilter } from "./prune-containers.ts";
import { pruneImages } from "./prune-images.ts";
import { PRUNE_FLAGS, section } from "./prune-words.ts";
import { tellPruned } from "./tell-pruned.ts";

const NO_VOLUMES = { removed: [], freedBytes: 0 } as const;

export const systemPruneCommand: Command = gcCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description:
      "Removes containers that do not run, pods that have ended, networks that no container is on, images that have no name, " +
      "root file systems that nothing uses, and parts of images whose transfer was cut off. What containers that are left and " +
      "transfers use stays, and so do volumes.",
    examples: [["orlop system prune -a -f", "all that is not in use, without being asked"]],
    table: {
      flags: [
        ...PRUNE_FLAGS,
        { name: "volumes", help: "Remove volumes, too, that no container uses and nobody has named" },
      ],
      flagsAnywhere: true,
    },
  },
  pruneSystem,
);

export async function pruneSystem(call: GcCall): Promise<number> {
  const { shelf, engine, flags, print } = call;
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop system prune" takes no arguments');
  imagePruneFilters(flags.list("filter"));
  const suits = pruneFilter(call);
  if (!flags.isOn("force") && !(await isConfirmed(call, warning(flags)))) return 0;
  const pods = await prunePods(engine.pods, suits);
  const { removed: containers, freedBytes: freedWithThem } = await pruneContainers(call);
  const networks = await pruneNetworks(engine, await engine.networks(), suits);
  const volumes = flags.isOn("volumes")
    ? await pruneVolumes(engine.volumes, (volume) => volume.isAnonymous && suits(volume))
    : NO_VOLUMES;
  if (existsSync(capturesDirectory())) removeOrphaned(capturesDirectory(), LIVE_CAPTURE);
  const lines = await pruneImages(shelf, await prunableImages(call));
  const { removed, freedBytes } = await shelf.collectGarbage({ leftoverAgeMs: 0 });
  const { database } = shelf;
  tellPruned(database, "container", freedWithThem);
  if (flags.isOn("volumes")) tellPruned(database, "volume", volumes.freedBytes);
  tellPruned(database, "image", freedBytes);
  tellPruned(database, "network", 0);
  const names = (...kinds: readonly RemovedThing["kind"][]): readonly string[] =>
    removed.flatMap(({ kind, name }) => (kinds.includes(kind) ? [name] : []));
  print(section("Deleted Pods", pods));
  print(section("Deleted Containers", containers));
  print(section("Deleted Networks", networks));
  print(section("Deleted Volumes", volumes.removed));
  print(section("Deleted Images", lines));
  print(section("Deleted Root File Systems", names("snapshot")));
  print(section("Deleted Partial Downloads", names("ingest", "file")));
  print(`Total reclaimed space: ${humanSize(freedWithThem + volumes.freedBytes + freedBytes)}\n`);
  return 0;
}

async function prunePods(pods: GcCall["engine"]["pods"], suits: (pod: Pod) => boolean): Promise<readonly string[]> {
  const ended = await endedPods(pods, suits);
  for (const id of ended) await pods.remove(id);
  return ended;
}

function warning(flags: ParsedFlags): string {
  const images = flags.isOn("all")
    ? "all images without at least one container associated to them"
    : "all dangling images";
  const all = [
    "all pods that have ended",
    "all stopped containers",
    "all networks not used by at least one container",
    ...(flags.isOn("volumes") ? ["all anonymous volumes not used by at least one container"] : []),
    images,
    "all root file systems that nothing uses",
    "all downloads that were cut off",
  ];
  return `This will remove:\n${all.map((each) => `  - ${each}\n`).join("")}`;
}
