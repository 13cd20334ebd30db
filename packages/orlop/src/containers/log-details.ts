import { shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { compareText } from "../format/template/value.ts";
import { logTag } from "../run/log-tag.ts";

/** What docker's `logs --details` has before each line of a container: `NAME=VALUE` with commas, sorted, escaped as in a URL. */
export function logDetails(container: Container): string {
  const pairs = Object.entries(detailsOf(container)).sort(([a], [b]) => compareText(a, b));
  return pairs.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join(",");
}

function detailsOf(container: Container): Readonly<Record<string, string>> {
  const { log, labels, process } = container;
  if (log.driver !== "file" || log.details === undefined) return {};
  const { details } = log;
  const variables = (process.env ?? []).map((entry): readonly [string, string] => {
    const equals = entry.indexOf("=");
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  const tag = details.tag === undefined ? "" : tagOf(details.tag, container);
  return Object.fromEntries([
    ...Object.entries(labels).filter(([name]) => isWanted(name, details.labels, details.labelsRegex)),
    ...variables.filter(([name]) => isWanted(name, details.env, details.envRegex)),
    ...(tag === "" ? [] : [["tag", tag] as const]),
  ]);
}

function isWanted(name: string, names: readonly string[] = [], pattern: string | undefined): boolean {
  return names.includes(name) || (pattern !== undefined && new RegExp(pattern).test(name));
}

function tagOf(template: string, { id, name, image }: Container): string {
  const bare = image.id?.replace(/^sha256:/, "") ?? "";
  return logTag(template, {
    ID: shortId(id),
    FullID: id,
    Name: name,
    ImageID: bare === "" ? "" : shortId(bare),
    ImageFullID: image.id ?? "",
    ImageName: image.text,
  });
}

/** As Go's url.QueryEscape has it. */
function escaped(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
