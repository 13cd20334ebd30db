import { familiarReference, type ImageRecord, OrlopError } from "@orlop/core";
import { asDigest, nameOf } from "../images/image-name.ts";
import type { Image } from "../images/list-images.ts";
import { tellImage } from "../images/tell-image.ts";
import type { CollectedShelf } from "./gc-verb.ts";

/** Removes images with all their names, and tells what has become of them in docker's words. Others may do so meanwhile. */
export async function pruneImages(shelf: CollectedShelf, images: readonly Image[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { id, records } of images) {
    for (const record of records) {
      if (!(await isRemoved(shelf, record))) continue;
      tellImage(shelf.database, "untag", id, record.name);
      const name = nameOf(record);
      if (name !== undefined) lines.push(`untagged: ${familiarReference(name)}`);
      else if (asDigest(record.name) === undefined) lines.push(`untagged: ${record.name}`);
    }
    tellImage(shelf.database, "delete", id);
    lines.push(`deleted: ${id}`);
  }
  return lines;
}

async function isRemoved({ images }: CollectedShelf, { name }: ImageRecord): Promise<boolean> {
  try {
    await images.delete(name);
    return true;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return false;
    throw error;
  }
}
