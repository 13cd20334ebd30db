import type { Labels } from "@orlop/core";

const NONE: Labels = Object.freeze({});

/** Labels as the database keeps them: a JSON object. */
export function encodeLabels(labels: Labels): string {
  return JSON.stringify(labels);
}

/** Undefined removes a label. */
export function changeLabels(labels: Labels, changes: Readonly<Record<string, string | undefined>>): Labels {
  const merged = Object.entries({ ...labels, ...changes });
  return Object.fromEntries(merged.filter((each): each is [string, string] => each[1] !== undefined));
}

export function decodeLabels(text: unknown): Labels {
  // Most blobs have none, and there may be many blobs.
  if (text === "{}") return NONE;
  const parsed: unknown = JSON.parse(String(text));
  const entries = typeof parsed === "object" && parsed !== null ? Object.entries(parsed) : [];
  return Object.fromEntries(entries.filter((each): each is [string, string] => typeof each[1] === "string"));
}
