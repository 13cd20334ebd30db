import { readFileSync } from "node:fs";
import { type Labels, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** Labels of files, and over them those of the command line. */
export function readLabels(flags: ParsedFlags): Labels {
  const files = flags.list("label-file").flatMap(labelLines);
  return parseLabels([...files, ...flags.list("label")]);
}

/** Of the same key the last one counts. @throws OrlopError `invalid` */
export function parseLabels(texts: readonly string[]): Labels {
  return Object.fromEntries(texts.map(parseLabel));
}

function labelLines(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(caller().path(path), "utf8");
  } catch (cause) {
    throw systemFailure(`read label file "${path}"`, cause, "label-file");
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** `KEY` or `KEY=VALUE`. */
function parseLabel(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  if (key.trim() === "") throw new OrlopError("invalid", `Cannot use label ${JSON.stringify(text)}: it has no key`);
  return [key, at < 0 ? "" : text.slice(at + 1)];
}
