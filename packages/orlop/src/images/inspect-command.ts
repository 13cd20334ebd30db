import { OrlopError, type Platform, parsePlatform } from "@orlop/core";
import type { Command } from "../command.ts";
import { Template } from "../format/template/template.ts";
import type { Struct } from "../format/template/value.ts";
import { valueJson } from "../format/template/value-json.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { findImage } from "./find-image.ts";
import { readImageContent } from "./image-content.ts";
import { imageSize } from "./image-size.ts";
import { type ImageShelf, imageCommand, type VerbCall } from "./image-verb.ts";
import { inspectDocument } from "./inspect-document.ts";

/** As docker has it. */
const INDENT = "    ";

export const inspectCommand: Command = imageCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    description:
      "Tells all about images, as a list of JSON objects. Of what is not there it tells nothing, and the exit code is 1.",
    examples: [["orlop inspect -f '{{join .Config.Cmd \" \"}}' busybox", "what it runs"]],
    table: {
      flags: [
        {
          name: "format",
          short: "f",
          value: "FORMAT",
          help: "How to print it: json, or a template for each image, in the language of Go's templates",
        },
        {
          name: "platform",
          value: "PLATFORM",
          help: "Of an image for several platforms the one for OS[/ARCH[/VARIANT]]",
        },
        { name: "type", value: "TYPE", help: "What to look for: image" },
      ],
      refused: [
        { name: "size", short: "s", isSwitch: true, reason: "it is about containers; images have a size anyway" },
      ],
      flagsAnywhere: true,
    },
  },
  inspectImages,
);

export async function inspectImages({ shelf, flags, output }: VerbCall): Promise<number> {
  const { positional } = flags;
  if (positional.length === 0) throw new OrlopError("invalid", '"orlop inspect" takes at least one image');
  const type = flags.text("type") ?? "image";
  if (type !== "image") throw new OrlopError("unsupported", `Cannot inspect type "${type}": there are images only`);
  const platform = flags.parse("platform", parsePlatform);
  const print = documentPrinter(flags.text("format") ?? "");
  const documents: Struct[] = [];
  const failures: OrlopError[] = [];
  for (const text of positional) {
    try {
      documents.push(await imageDocument(shelf, text, platform));
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      failures.push(error);
    }
  }
  output.text(print(documents));
  for (const failure of failures) output.error(failure.message);
  return failures.length === 0 ? 0 : 1;
}

async function imageDocument(shelf: ImageShelf, text: string, platform: Platform | undefined): Promise<Struct> {
  const { image, record } = await findImage(shelf, text);
  if (platform === undefined && image.problem !== undefined) throw image.problem;
  const asked = platform ?? ownPlatform();
  const content =
    (platform === undefined ? image.content : undefined) ??
    (await readImageContent(shelf.content, record, asked, platform !== undefined));
  return inspectDocument(image, content, await imageSize(shelf, content));
}

/** @throws OrlopError `invalid` for a template that is none */
function documentPrinter(format: string): (documents: readonly Struct[]) => string {
  if (format === "") return (documents) => `${valueJson(documents, INDENT)}\n`;
  if (format === "json") return (documents) => `${valueJson(documents)}\n`;
  const template = new Template(format);
  return (documents) => documents.map((document) => `${template.execute(document)}\n`).join("") || "\n";
}
