import { OrlopError, parsePlatform } from "@orlop/core";
import type { Command } from "../command.ts";
import { OutputFormat } from "../format/output-format.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { findImage } from "./find-image.ts";
import { HISTORY_HEADINGS, historyRows } from "./history-rows.ts";
import { type ImageContent, readImageContent } from "./image-content.ts";
import { snapshotSizes } from "./image-size.ts";
import { type ImageShelf, imageCommand, type VerbCall } from "./image-verb.ts";
import { FORMAT_HELP } from "./images-command.ts";

export const historyCommand: Command = imageCommand(
  {
    name: "history",
    usage: "[OPTIONS] IMAGE",
    description:
      "Shows the steps that made an image, the last one first. The size is what a step's layer takes as a root file system, " +
      "or, where none was made of it, as it came.",
    examples: [["orlop history --no-trunc busybox", "with whole command lines"]],
    table: {
      flags: [
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "human", short: "H", help: "Sizes and times for people, unless --human=false" },
        { name: "no-trunc", help: "Ids and command lines in full" },
        {
          name: "platform",
          value: "PLATFORM",
          help: "Of an image for several platforms the one for OS[/ARCH[/VARIANT]]",
        },
        { name: "quiet", short: "q", help: "Only ids" },
      ],
      flagsAnywhere: true,
    },
  },
  showHistory,
);

export async function showHistory({ shelf, flags, output, nowMs }: VerbCall): Promise<number> {
  const [text, ...others] = flags.positional;
  if (text === undefined || others.length > 0) {
    throw new OrlopError("invalid", `"orlop history" takes one image, and got ${flags.positional.length}`);
  }
  const isHuman = !flags.has("human") || flags.isOn("human");
  const given = flags.text("format") || "table";
  const table = `{{.ID}}\t{{.${isHuman ? "CreatedSince" : "CreatedAt"}}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`;
  const format = new OutputFormat(given === "table" && flags.isOn("quiet") ? "{{.ID}}" : given, table);
  const platform = flags.parse("platform", parsePlatform);
  const { record } = await findImage(shelf, text);
  const content = await readImageContent(shelf.content, record, platform ?? ownPlatform(), platform !== undefined);
  const sizes = await layerSizes(shelf, content);
  const rows = historyRows(content, { nowMs, isWhole: flags.isOn("no-trunc"), isHuman, sizes });
  output.text(format.text(rows, HISTORY_HEADINGS));
  return 0;
}

async function layerSizes(shelf: ImageShelf, content: ImageContent): Promise<readonly number[]> {
  const { layers } = content.manifest;
  const unpacked = await snapshotSizes(shelf, content);
  return unpacked.length === layers.length ? unpacked : layers.map(({ size }) => size);
}
