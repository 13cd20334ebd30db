import { type ImageRecord, OrlopError, type Reference } from "@orlop/core";
import { nameOf, repositoryOf } from "../images/image-name.ts";
import type { ImageShelf } from "../images/image-verb.ts";
import { repositoryName } from "./repository-name.ts";

/** An image of this machine, and what it is to be called in a registry. */
export interface ImageToPush {
  readonly record: ImageRecord;
  readonly reference: Reference;
}

/**
 * The images of this machine that have tags of a repository, with the same tags of another one.
 *
 * @throws OrlopError `invalid` for what is no repository alone, `not-found` where there are none
 */
export async function repositoryImages(
  shelf: ImageShelf,
  text: string,
  destination: string,
): Promise<readonly ImageToPush[]> {
  const repository = repositoryOf(repositoryName(text));
  const to = repositoryName(destination);
  const found = (await shelf.images.list()).flatMap((record): readonly ImageToPush[] => {
    const name = nameOf(record);
    if (name?.tag === undefined || repositoryOf(name) !== repository) return [];
    return [{ record, reference: { ...to, tag: name.tag } }];
  });
  if (found.length > 0) return found;
  throw new OrlopError("not-found", `Cannot push "${text}": no image of this machine has a tag of it`);
}
