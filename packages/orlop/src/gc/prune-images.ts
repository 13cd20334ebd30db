import { familiarReference, type ImageRecord, OrlopError } from "@orlop/core";
import { asDigest, nameOf } from "../images/image-name.ts";
import type { Image } from "../images/list-images.ts";
import type { CollectedShelf } from "./gc-verb.ts";

/** Removes images with all their names, and tells what has become of them in docker's words. Others may do so meanwhile. */
export async function pruneImages(shelf: CollectedShelf, images: readonly Image[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { id, records } of images) {
    for (const record of records) {
      if (!(await isRemoved(shelf, record))) continue;
      const name = nameOf(record);
      if (name !== undefined) lines.push(`untagged: ${familiarReference(name)}`);
      else if (asDigest(record.name) === undefined) lines.push(`untagged: ${record.name}`);
    }
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
