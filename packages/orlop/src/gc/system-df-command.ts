import { OrlopError } from "@orlop/core";
import { type Container, isActive } from "@orlop/engine";
import { type DiskUsage, diskUsage, type UsageSum } from "@orlop/image";
import type { Command } from "../command.ts";
import { CONTAINER_HEADINGS, containerRow } from "../containers/container-rows.ts";
import { containerSize } from "../containers/container-size.ts";
import { humanSize } from "../format/human-size.ts";
import { OutputFormat } from "../format/output-format.ts";
import { type Struct, structOf } from "../format/template/value.ts";
import { IMAGE_HEADINGS, imageRows } from "../images/image-rows.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { listImages } from "../images/list-images.ts";
import { type VolumeUsage, volumesSum, volumesUsage } from "../volumes/volumes-usage.ts";
import { type GcCall, gcCommand } from "./gc-verb.ts";

const TABLE = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
const HEADINGS = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" };
const VOLUMES_TABLE = "{{.Name}}\t{{.Links}}\t{{.Size}}";
const VOLUMES_HEADINGS = { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" };
const CONTAINERS_TABLE =
  "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const IMAGES_TABLE =
  "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.VirtualSize}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";

export const systemDfCommand: Command = gcCommand(
  {
    name: "df",
    usage: "[OPTIONS]",
    description:
      "Shows what images, containers and volumes take on the disk, and what of it would be given back if all went that is not in use: " +
      "images and volumes that no container uses, file systems of containers that have ended, parts of images whose transfer was cut " +
      "off, and garbage that the next collection removes. What images share counts once.",
    examples: [["orlop system df -v", "each image, with what it shares with others, each container and each volume"]],
    table: {
      flags: [
        { name: "verbose", short: "v", help: "Show each image, each container and each volume" },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
      ],
      flagsAnywhere: true,
    },
  },
  showUsage,
);

export async function showUsage({ shelf, engine, flags, print, nowMs }: GcCall): Promise<number> {
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop system df" takes no arguments');
  const isVerbose = flags.isOn("verbose");
  if (isVerbose && flags.has("format")) {
    throw new OrlopError(
      "unsupported",
      "Cannot use --verbose with --format: the list of images has orlop images --format",
    );
  }
  const format = new OutputFormat(flags.text("format") || "table", TABLE);
  const containers = await engine.list();
  const usage = withContainers(await diskUsage(await shelf.parts()), containers);
  const volumes = await volumesUsage(engine.volumes.list(), containers);
  if (!isVerbose) {
    print(format.text(usageRows(usage, volumes), HEADINGS));
    return 0;
  }
  const rows: Struct[] = [];
  for (const image of await listImages(shelf)) {
    const targets = new Set(image.records.map(({ target }) => target.digest));
    const own = usage.images.filter(({ target }) => targets.has(target));
    const sum = (of: (each: (typeof own)[number]) => number): number =>
      own.reduce((bytes, each) => bytes + of(each), 0);
    const sharedBytes = sum((each) => each.sharedBytes);
    rows.push(
      ...imageRows(image, {
        nowMs,
        isWhole: false,
        hasDigests: false,
        sizeBytes: sum((each) => each.sizeBytes),
        sharedBytes,
        containers: sum((each) => each.containers),
      }),
    );
  }
  print(`Images space usage:\n\n${new OutputFormat("table", IMAGES_TABLE).text(rows, IMAGE_HEADINGS)}\n`);
  const containerRows = await Promise.all(
    containers.map(async (container) => {
      const { rwBytes } = await containerSize(shelf, container);
      return containerRow(container, { nowMs, isWhole: false, size: { rwBytes, rootFsBytes: 0 } });
    }),
  );
  const containersTable = new OutputFormat("table", CONTAINERS_TABLE).text(containerRows, CONTAINER_HEADINGS);
  print(`Containers space usage:\n\n${containersTable}\n`);
  const volumesTable = new OutputFormat("table", VOLUMES_TABLE).text(volumes.map(volumeRow), VOLUMES_HEADINGS);
  print(`Local Volumes space usage:\n\n${volumesTable}\n`);
  print(`Others:\n\n${format.text(usageRows(usage, volumes).slice(OTHERS_FROM), HEADINGS)}`);
  return 0;
}

/** Of those that run and those that do not, also without a file system of their own; leftovers of others are counted in. */
function withContainers(usage: DiskUsage, all: readonly Container[]): DiskUsage {
  const active = all.filter(({ state }) => isActive(state.status)).length;
  return { ...usage, containers: { ...usage.containers, count: all.length, active } };
}

function volumeRow({ name, links, sizeBytes }: VolumeUsage): Struct {
  return structOf({ Name: name, Links: String(links), Size: humanSize(sizeBytes) });
}

function usageRows(
  { imagesSum, containers, ingests, garbage }: DiskUsage,
  volumes: readonly VolumeUsage[],
): readonly Struct[] {
  return [
    usageRow("Images", imagesSum),
    usageRow("Containers", containers),
    usageRow("Local Volumes", volumesSum(volumes)),
    usageRow("Partial Downloads", ingests),
    usageRow("Garbage", garbage),
  ];
}

/** Behind images, containers and volumes, which have tables of their own. */
const OTHERS_FROM = 3;

/** As docker has it, the share is not told of nothing. */
function usageRow(type: string, { count, active, sizeBytes, reclaimableBytes }: UsageSum): Struct {
  const share = sizeBytes === 0 ? "" : ` (${Math.floor((reclaimableBytes * 100) / sizeBytes)}%)`;
  return structOf({
    Type: type,
    TotalCount: String(count),
    Active: String(active),
    Size: humanSize(sizeBytes),
    Reclaimable: `${humanSize(reclaimableBytes)}${share}`,
  });
}
