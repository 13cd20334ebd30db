import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { OutputFormat } from "../format/output-format.ts";
import { compareText, type Struct } from "../format/template/value.ts";
import { filterImages, parseImageFilters } from "./image-filter.ts";
import { IMAGE_HEADINGS, imageRows } from "./image-rows.ts";
import { imageSize } from "./image-size.ts";
import { imageCommand, type VerbCall } from "./image-verb.ts";
import { type Image, listImages } from "./list-images.ts";

const CREATED_AND_SIZE = "{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
const TABLE = `{{.Repository}}\t{{.Tag}}\t${CREATED_AND_SIZE}`;
const TABLE_WITH_DIGESTS = `{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t${CREATED_AND_SIZE}`;

export const FORMAT_HELP =
  "How to print it: table, table TEMPLATE, json, or a template for each row, in the language of Go's templates";

export const imagesCommand: Command = imageCommand(
  {
    name: "images",
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    description:
      "Lists the images of this user, those made last first, with a row for each name. REPOSITORY[:TAG] is a pattern, in " +
      "which * stands for any text without a slash.\n\n" +
      "The size is what the image takes on the disk: its layers as they came, and what was made of them. Images share both.",
    examples: [
      ["orlop images 'registry.example/*'", "those of one registry"],
      ["orlop images --filter label=team=a --format '{{.Repository}}:{{.Tag}}'", "the names of some"],
    ],
    table: {
      flags: [
        { name: "all", short: "a", help: "All of them, which it shows anyway: there are none in between" },
        { name: "digests", help: "Show the digests that names refer to" },
        {
          name: "filter",
          short: "f",
          value: "NAME=VALUE",
          help: "Only images that are dangling=true, match reference=PATTERN, were made before=IMAGE, since=IMAGE or until=TIME, or have a label=KEY[=VALUE]",
        },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "no-trunc", help: "Ids in full" },
        { name: "quiet", short: "q", help: "Only ids" },
        { name: "noheading", short: "n", help: "No headings above a table" },
        { name: "sort", value: "FIELD", help: "Order: created, id, repository, size or tag (created)" },
      ],
      refused: [
        { name: "tree", isSwitch: true, reason: "there is only the list" },
        { name: "history", isSwitch: true, reason: "names that an image had are not kept" },
      ],
      flagsAnywhere: true,
    },
  },
  showImages,
);

export async function showImages({ shelf, flags, output, nowMs }: VerbCall): Promise<number> {
  const [pattern, ...others] = flags.positional;
  if (others.length > 0) throw new OrlopError("invalid", `"orlop images" takes one name, and got "${others[0]}" too`);
  const references = pattern === undefined ? [] : [`reference=${pattern}`];
  const filters = parseImageFilters([...flags.list("filter"), ...references]);
  const format = new OutputFormat(formatText(flags), flags.isOn("digests") ? TABLE_WITH_DIGESTS : TABLE);
  const images = filterImages(await listImages(shelf), filters, nowMs);
  const options = {
    nowMs,
    isWhole: flags.isOn("no-trunc"),
    hasDigests: flags.isOn("digests") || formatText(flags).includes(".Digest"),
  };
  const order = flags.parse("sort", parseImageOrder);
  const listed: { readonly row: Struct; readonly sizeBytes: number }[] = [];
  for (const image of images) {
    if (image.problem !== undefined) output.warning(image.problem.message);
    const sizeBytes = await sizeOf(shelf, image);
    for (const row of imageRows(image, { ...options, sizeBytes })) listed.push({ row, sizeBytes });
  }
  if (order !== undefined) listed.sort(order);
  const headings = flags.isOn("noheading") ? undefined : IMAGE_HEADINGS;
  output.text(
    format.text(
      listed.map(({ row }) => row),
      headings,
    ),
  );
  return 0;
}

type ImageOrder = (
  a: { readonly row: Struct; readonly sizeBytes: number },
  b: { readonly row: Struct; readonly sizeBytes: number },
) => number;

/** Podman's: names from the first letter on, sizes from the largest on; undefined for the order that there is anyway. */
function parseImageOrder(text: string): ImageOrder | undefined {
  const byField =
    (field: string): ImageOrder =>
    (a, b) =>
      compareText(String(a.row.get(field)), String(b.row.get(field)));
  switch (text) {
    case "created":
      return undefined;
    case "id":
      return byField("ID");
    case "repository":
      return byField("Repository");
    case "tag":
      return byField("Tag");
    case "size":
      return (a, b) => b.sizeBytes - a.sizeBytes;
    default:
      throw new OrlopError("invalid", "there are created, id, repository, size and tag");
  }
}

/** As docker has it, a format of one's own goes before `--quiet`. */
function formatText(flags: VerbCall["flags"]): string {
  const given = flags.text("format") || "table";
  return given === "table" && flags.isOn("quiet") ? "{{.ID}}" : given;
}

async function sizeOf(shelf: VerbCall["shelf"], { content }: Image): Promise<number> {
  return content === undefined ? 0 : await imageSize(shelf, content);
}
