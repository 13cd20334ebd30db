import { type ImageRecord, OrlopError, shortId } from "@orlop/core";
import { type Container, isActive } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type FoundImage, findImage } from "./find-image.ts";
import { familiarName } from "./image-name.ts";
import { type ImageShelf, imageCommand, type VerbCall } from "./image-verb.ts";
import { type Image, listImages } from "./list-images.ts";
import { tellImage } from "./tell-image.ts";

export const rmiCommand: Command = imageCommand(
  {
    name: "rmi",
    usage: "[OPTIONS] [IMAGE...]",
    description:
      "Removes images. By its name an image loses that name, and goes when it has no other; by its id it goes with its " +
      "name. What it shares with other images stays, and what a container is made of stays until that is removed.",
    examples: [
      ["orlop rmi app:1.0", "a name, and the image when it has no other"],
      ["orlop rmi -f 3f57d9401f8d", "an image with all its names"],
    ],
    table: {
      flags: [
        { name: "force", short: "f", help: "Although it has several names, or a container that does not run uses it" },
        { name: "all", short: "a", help: "All images that no container uses; with --force all" },
        { name: "ignore", short: "i", help: "Pass over images that are not there" },
        { name: "no-prune", help: "Keep parents without a name, which there are none of anyway" },
      ],
      refused: [{ name: "platform", reason: "an image goes with all its platforms" }],
      flagsAnywhere: true,
    },
  },
  removeImages,
);

/** Goes on after a failure: each of the images is tried. */
export async function removeImages(call: VerbCall): Promise<number> {
  const { shelf, flags, output } = call;
  const { positional } = flags;
  const isAll = flags.isOn("all");
  if (isAll && positional.length > 0) throw new OrlopError("invalid", "either all images go, or those that are named");
  if (positional.length === 0 && !isAll) throw new OrlopError("invalid", '"orlop rmi" takes at least one image');
  const isForced = flags.isOn("force");
  const failures: OrlopError[] = [];
  const containers = await call.containers();
  const isUsed = (image: Image): boolean => containers.some((container) => isMadeOf(container, image));
  const images = isAll ? (await listImages(shelf)).filter((image) => isForced || !isUsed(image)) : [];
  const texts = isAll ? images.flatMap(({ records }) => records.map(({ name }) => name)) : positional;
  const ignored = flags.isOn("ignore") || isForced;
  for (const text of texts) {
    try {
      for await (const line of removeImage(shelf, text, isForced, containers)) output.text(`${line}\n`);
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      failures.push(error);
    }
  }
  await shelf.collectGarbage?.();
  const isTold = ({ code }: OrlopError): boolean => !(flags.isOn("ignore") && code === "not-found");
  for (const failure of failures.filter(isTold)) output.error(failure.message);
  // As docker has it, what is not there need not be removed by force.
  return failures.every(({ code }) => ignored && code === "not-found") ? 0 : 1;
}

/** @throws OrlopError `not-found`, `conflict`; gives what it has done, in docker's lines */
export async function* removeImage(
  shelf: ImageShelf,
  text: string,
  isForced: boolean,
  containers: readonly Container[],
): AsyncGenerator<string> {
  const found = await findImage(shelf, text);
  const users = containers.filter((container) => isMadeOf(container, found.image));
  refuseUsed(found, text, isForced, users);
  const records = doomedRecords(found, isForced);
  for (const record of records) {
    await shelf.images.delete(record.name);
    tellImage(shelf.database, "untag", found.image.id, record.name);
    const name = familiarName(record);
    if (name !== undefined) yield `Untagged: ${name}`;
  }
  const isGone = records.length === found.image.records.length;
  if (!isGone || users.length > 0) return;
  tellImage(shelf.database, "delete", found.image.id);
  yield `Deleted: ${found.image.id}`;
}

function doomedRecords({ image, named, record }: FoundImage, isForced: boolean): readonly ImageRecord[] {
  if (named === "name") return [record];
  const names = image.records.flatMap((each) => familiarName(each) ?? []);
  if (names.length <= 1 || isForced) return image.records;
  throw new OrlopError(
    "conflict",
    `Cannot remove image "${shortId(image.id)}": it has several names, ${names.join(", ")}\nTry -f, which removes them all.`,
  );
}

function isMadeOf({ image, root }: Container, { id, records }: Image): boolean {
  if (image.id === id) return true;
  return root.kind === "snapshot" && records.some(({ target }) => target.digest === root.manifest.digest);
}

/**
 * In docker's words: by its last name an image that a container uses goes by force; by its id as well, unless one runs.
 *
 * @throws OrlopError `conflict`
 */
function refuseUsed({ image, named }: FoundImage, text: string, isForced: boolean, users: readonly Container[]): void {
  const running = users.find(({ state }) => isActive(state.status));
  const user = running ?? users[0];
  if (user === undefined) return;
  const [container, id] = [shortId(user.id), shortId(image.id)];
  if (named === "name") {
    if (isForced || image.records.length > 1) return;
    const what = `unable to remove repository reference "${text}" (must force)`;
    throw new OrlopError("conflict", `conflict: ${what} - container ${container} is using its referenced image ${id}`);
  }
  if (running !== undefined) {
    const what = `image is being used by running container ${container}`;
    throw new OrlopError("conflict", `conflict: unable to delete ${id} (cannot be forced) - ${what}`);
  }
  if (isForced) return;
  const what = `image is being used by stopped container ${container}`;
  throw new OrlopError("conflict", `conflict: unable to delete ${id} (must be forced) - ${what}`);
}
