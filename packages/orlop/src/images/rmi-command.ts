import { familiarReference, type ImageRecord, OrlopError, shortId } from "@orlop/core";
import type { Command } from "../command.ts";
import { type FoundImage, findImage } from "./find-image.ts";
import { nameOf } from "./image-name.ts";
import { type ImageShelf, imageCommand, type VerbCall } from "./image-verb.ts";

export const rmiCommand: Command = imageCommand(
  {
    name: "rmi",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    description:
      "Removes images. By its name an image loses that name, and goes when it has no other; by its id it goes with its " +
      "name. What it shares with other images stays.",
    examples: [
      ["orlop rmi app:1.0", "a name, and the image when it has no other"],
      ["orlop rmi -f 3f57d9401f8d", "an image with all its names"],
    ],
    table: {
      flags: [
        { name: "force", short: "f", help: "Remove an image by its id although it has several names" },
        { name: "no-prune", help: "Keep parents without a name, which there are none of anyway" },
      ],
      refused: [{ name: "platform", reason: "an image goes with all its platforms" }],
      flagsAnywhere: true,
    },
  },
  removeImages,
);

/** Goes on after a failure: each of the images is tried. */
export async function removeImages({ shelf, flags, output }: VerbCall): Promise<number> {
  const { positional } = flags;
  if (positional.length === 0) throw new OrlopError("invalid", '"orlop rmi" takes at least one image');
  const isForced = flags.isOn("force");
  const failures: OrlopError[] = [];
  for (const text of positional) {
    try {
      for await (const line of removeImage(shelf, text, isForced)) output.text(`${line}\n`);
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      failures.push(error);
    }
  }
  await shelf.collectGarbage?.();
  for (const failure of failures) output.error(failure.message);
  // As docker has it, what is not there need not be removed by force.
  return failures.every(({ code }) => isForced && code === "not-found") ? 0 : 1;
}

async function* removeImage(shelf: ImageShelf, text: string, isForced: boolean): AsyncGenerator<string> {
  const found = await findImage(shelf, text);
  const records = doomedRecords(found, isForced);
  for (const record of records) {
    await shelf.images.delete(record.name);
    const name = nameOf(record);
    if (name !== undefined) yield `Untagged: ${familiarReference(name)}`;
  }
  if (records.length === found.image.records.length) yield `Deleted: ${found.image.id}`;
}

function doomedRecords({ image, named, record }: FoundImage, isForced: boolean): readonly ImageRecord[] {
  if (named === "name") return [record];
  const names = image.records.flatMap((each) => nameOf(each) ?? []);
  if (names.length <= 1 || isForced) return image.records;
  const shown = names.map(familiarReference).join(", ");
  throw new OrlopError(
    "conflict",
    `Cannot remove image "${shortId(image.id)}": it has several names, ${shown}\nTry -f, which removes them all.`,
  );
}
