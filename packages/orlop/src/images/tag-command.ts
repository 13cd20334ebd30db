import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { findImage } from "./find-image.ts";
import { newName } from "./image-name.ts";
import { imageCommand, type VerbCall } from "./image-verb.ts";
import { keepImage } from "./keep-image.ts";
import { tellImage } from "./tell-image.ts";

export const tagCommand: Command = imageCommand(
  {
    name: "tag",
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    description: "Gives an image another name. Where the name is taken, it refers to this image from now on.",
    examples: [["orlop tag app localhost:5000/app:1.0", "the name to push it by"]],
    table: { flags: [], flagsAnywhere: true },
  },
  tagImage,
);

export async function tagImage({ shelf, flags }: VerbCall): Promise<number> {
  const [source, target, ...others] = flags.positional;
  if (source === undefined || target === undefined || others.length > 0) {
    throw new OrlopError("invalid", `"orlop tag" takes an image and a name, and got ${flags.positional.length} words`);
  }
  const name = newName(target);
  const { image, record } = await findImage(shelf, source);
  await using _kept = await keepImage(shelf, record, "tag");
  await shelf.images.put(name, record.target);
  tellImage(shelf.database, "tag", image.id, name);
  return 0;
}
