import { shortId } from "@orlop/core";
import { goTime } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { humanSize } from "../format/human-size.ts";
import { type Struct, structOf } from "../format/template/value.ts";
import { familiarRepository, madeName, NONE, nameOf } from "./image-name.ts";
import type { Image } from "./list-images.ts";

export const IMAGE_HEADINGS = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  VirtualSize: "SIZE",
} as const;

/** What is not known is told so, as docker does. */
const UNKNOWN = "N/A";

interface RowOptions {
  readonly nowMs: number;
  /** Ids in full. */
  readonly isWhole: boolean;
  /** Digests are shown. */
  readonly hasDigests: boolean;
  readonly sizeBytes: number;
  /** Of that what other images have as well; absent: not known, like `containers`. */
  readonly sharedBytes?: number;
  /** How many use it. */
  readonly containers?: number;
}

/** The rows of one image in a list: one for each of its names, and one for an image that has none. */
export function imageRows(image: Image, options: RowOptions): readonly Struct[] {
  const names = new Map(image.records.flatMap((record) => labelsOf(record, options.hasDigests)));
  return [...names.values()].map((name) => imageRow(image, name, options));
}

interface RowName {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** A name as a row shows it, under a key that is the same for rows that would be the same. */
function labelsOf(record: Image["records"][number], hasDigests: boolean): readonly (readonly [string, RowName])[] {
  const name = nameOf(record);
  const digest = hasDigests ? record.target.digest : NONE;
  const row =
    name === undefined
      ? { repository: NONE, tag: NONE, ...madeName(record), digest: NONE }
      : { repository: familiarRepository(name), tag: name.tag ?? NONE, digest };
  return [[`${row.repository} ${row.tag} ${row.digest}`, row]];
}

function imageRow(image: Image, name: RowName, options: RowOptions): Struct {
  const { nowMs, isWhole, sizeBytes, sharedBytes, containers } = options;
  const { createdAtMs } = image;
  return structOf({
    ID: isWhole ? image.id : shortId(image.id),
    Repository: name.repository,
    Tag: name.tag,
    Digest: name.digest,
    // A reproducible image may say that it was made at the beginning of time.
    CreatedSince: createdAtMs === undefined ? UNKNOWN : `${humanDuration(nowMs - createdAtMs)} ago`,
    CreatedAt: createdAtMs === undefined ? UNKNOWN : goTime(createdAtMs),
    Size: humanSize(sizeBytes, 3),
    VirtualSize: humanSize(sizeBytes),
    Containers: containers === undefined ? UNKNOWN : String(containers),
    SharedSize: sharedBytes === undefined ? UNKNOWN : humanSize(sharedBytes),
    UniqueSize: sharedBytes === undefined ? UNKNOWN : humanSize(sizeBytes - sharedBytes),
  });
}
