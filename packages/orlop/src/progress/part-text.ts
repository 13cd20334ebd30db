import { shortId } from "@orlop/core";
import type { PartState } from "@orlop/image";
import { humanSize } from "../format/human-size.ts";
import { clipped, printable } from "./screen-text.ts";
import type { PartView } from "./transfer-view.ts";

/** Which way the bytes go, in a word. */
export type Movement = "downloading" | "uploading" | "loading" | "saving";

const BAR_WIDTH_MAX = 30;
/** A shorter one tells nothing. */
const BAR_WIDTH_MIN = 8;
/** `  123MB/456MB  78.9MB/s`, so that the bar does not change its width with the figures. */
const FIGURES_WIDTH = 24;
const ROLE_WIDTH = 8;
const STATE_WIDTH = 11;

/** What one part is doing, on a line of a terminal. */
export function partLine(part: PartView, columns: number, movement: Movement): string {
  const { state, bytes, size, bytesPerSecond } = part;
  const begin = `  ${printable(shortId(part.digest))}  ${part.role.padEnd(ROLE_WIDTH)}  `;
  const what = stateText(state, movement).padEnd(STATE_WIDTH);
  if (state !== "downloading") {
    return clipped(`${begin}${state === "done" ? `${what}  ${humanSize(size)}` : what}`.trimEnd(), columns);
  }
  const rate = bytesPerSecond === undefined ? "" : `  ${humanSize(bytesPerSecond, 3)}/s`;
  const figures = `${humanSize(bytes, 3)}/${humanSize(size, 3)}${rate}`;
  const width = Math.min(BAR_WIDTH_MAX, columns - begin.length - what.length - "  []".length - FIGURES_WIDTH);
  const shownBar = width < BAR_WIDTH_MIN ? "" : `  ${bar(bytes, size, width)}`;
  return clipped(`${begin}${what}${shownBar}  ${figures}`, columns);
}

/** `[=====>    ]` */
function bar(bytes: number, size: number, width: number): string {
  const part = size === 0 ? 1 : Math.min(1, bytes / size);
  const filled = Math.floor(part * width);
  const drawn = filled === width ? "=".repeat(width) : `${"=".repeat(filled)}>`;
  return `[${drawn.padEnd(width)}]`;
}

/** That one part has come to another state, for who reads along in a file. */
export function partStep(
  { digest, role, state, size }: Pick<PartView, "digest" | "role" | "state" | "size">,
  movement: Movement,
): string {
  const ofSize = state === "downloading" ? ` ${humanSize(size)}` : "";
  return `${printable(shortId(digest))}: ${role}: ${stateText(state, movement)}${ofSize}`;
}

function stateText(state: PartState, movement: Movement): string {
  if (state === "downloading") return movement;
  return state === "exists" ? "already there" : state;
}
