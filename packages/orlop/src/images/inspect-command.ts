import { OrlopError, type Platform, parsePlatform } from "@orlop/core";
import type { Command } from "../command.ts";
import type { Struct } from "../format/template/value.ts";
import { printDocuments } from "../inspect/document-printer.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { findImage } from "./find-image.ts";
import { readImageContent } from "./image-content.ts";
import { imageSize } from "./image-size.ts";
import { type ImageShelf, imageCommand, type VerbCall } from "./image-verb.ts";
import { inspectDocument } from "./inspect-document.ts";

export const imageInspectCommand: Command = imageCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    description:
      "Tells all about images, as a list of JSON objects. Of what is not there it tells nothing, and the exit code is 1.",
    examples: [["orlop image inspect -f '{{join .Config.Cmd \" \"}}' busybox", "what it runs"]],
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
      ],
      flagsAnywhere: true,
    },
  },
  inspectImages,
);

export async function inspectImages({ shelf, flags, output }: VerbCall): Promise<number> {
  if (flags.positional.length === 0) throw new OrlopError("invalid", '"orlop image inspect" takes at least one image');
  const platform = flags.parse("platform", parsePlatform);
  const read = async (text: string): Promise<Struct> => await imageDocument(shelf, text, platform);
  return await printDocuments(flags.positional, flags.text("format") ?? "", read, output);
}

/** @throws OrlopError `not-found` and others */
export async function imageDocument(shelf: ImageShelf, text: string, platform: Platform | undefined): Promise<Struct> {
  const { image, record } = await findImage(shelf, text);
  if (platform === undefined && image.problem !== undefined) throw image.problem;
  const asked = platform ?? ownPlatform();
  const content =
    (platform === undefined ? image.content : undefined) ??
    (await readImageContent(shelf.content, record, asked, platform !== undefined));
  return inspectDocument(image, content, await imageSize(shelf, content));
}
