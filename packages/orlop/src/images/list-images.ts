import { type Digest, type ImageRecord, OrlopError } from "@orlop/core";
import { ownPlatform } from "../store/own-platform.ts";
import { type ImageContent, readImageContent } from "./image-content.ts";
import type { ImageShelf } from "./image-verb.ts";

/** An image, whatever it is called. */
export interface Image {
  /** The digest of its config for this machine; of what its name refers to, where that cannot be read. */
  readonly id: Digest;
  /** Its names, sorted. */
  readonly records: readonly ImageRecord[];
  /** Absent when it cannot be read; then `problem` says why. */
  readonly content?: ImageContent;
  readonly problem?: OrlopError;
  /** Of the config; undefined when it does not say. */
  readonly createdAtMs: number | undefined;
}

/** All images, those made last first. */
export async function listImages(shelf: ImageShelf): Promise<readonly Image[]> {
  const byId = new Map<Digest, Image>();
  // Several names mostly refer to one target.
  const read = new Map<Digest, Pick<Image, "id" | "content" | "problem" | "createdAtMs">>();
  for (const record of await shelf.images.list()) {
    const known = read.get(record.target.digest) ?? (await readImage(shelf, record));
    read.set(record.target.digest, known);
    byId.set(known.id, { ...known, records: [...(byId.get(known.id)?.records ?? []), record] });
  }
  return [...byId.values()].sort((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0));
}

async function readImage(shelf: ImageShelf, record: ImageRecord): Promise<Omit<Image, "records">> {
  try {
    const content = await readImageContent(shelf.content, record, ownPlatform());
    return { id: content.id, content, createdAtMs: timeMs(content.config?.created) };
  } catch (error) {
    // One that is damaged must not hide the others.
    if (!(error instanceof OrlopError)) throw error;
    return { id: record.target.digest, problem: error, createdAtMs: undefined };
  }
}

/** Of an RFC 3339 time; undefined for none, and for Go's zero time. */
export function timeMs(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) || text?.startsWith("0001-") ? undefined : time;
}
