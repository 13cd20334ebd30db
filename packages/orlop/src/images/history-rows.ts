import { type ImageHistory, shortId } from "@orlop/core";
import { rfc3339Time } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { humanSize } from "../format/human-size.ts";
import { type Struct, structOf } from "../format/template/value.ts";
import type { ImageContent } from "./image-content.ts";
import { timeMs } from "./list-images.ts";

export const HISTORY_HEADINGS = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
} as const;

const CREATED_BY_LENGTH = 45;
/** Times before it are made up. */
const FIRST_TIME_MS = Date.UTC(2000, 0, 1);

interface HistoryOptions {
  readonly nowMs: number;
  readonly isWhole: boolean;
  /** Sizes and times for people. */
  readonly isHuman: boolean;
  /** Of the layers, the lowest first. */
  readonly sizes: readonly number[];
}

/** The steps that made an image, the last one first. */
export function historyRows({ id, config }: ImageContent, options: HistoryOptions): readonly Struct[] {
  const { sizes, isWhole } = options;
  // An image whose maker has kept no record of its steps has layers all the same.
  const steps: readonly ImageHistory[] = config?.history?.length ? config.history : sizes.map(() => ({}));
  let layer = 0;
  const sized = steps.map((step) => {
    const size = step.empty_layer === true ? 0 : (sizes[layer] ?? 0);
    if (step.empty_layer !== true) layer += 1;
    return { step, size };
  });
  return sized.toReversed().map(({ step, size }, index) => {
    const name = isWhole ? id : shortId(id);
    return historyRow(step, size, { ...options, name: index === 0 ? name : "<missing>" });
  });
}

function historyRow(
  step: ImageHistory,
  size: number,
  { name, nowMs, isWhole, isHuman }: HistoryOptions & { readonly name: string },
): Struct {
  const createdMs = timeMs(step.created) ?? 0;
  const createdAt = rfc3339Time(createdMs);
  const since = createdMs <= FIRST_TIME_MS ? "N/A" : `${humanDuration(nowMs - createdMs)} ago`;
  const createdBy = (step.created_by ?? "").replaceAll("\t", " ");
  return structOf({
    ID: name,
    CreatedAt: createdAt,
    CreatedSince: isHuman ? since : createdAt,
    CreatedBy: isWhole ? createdBy : shortened(createdBy, CREATED_BY_LENGTH),
    Size: isHuman ? humanSize(size, 3) : String(size),
    Comment: step.comment ?? "",
  });
}

function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}
