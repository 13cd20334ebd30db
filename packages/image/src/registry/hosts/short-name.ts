import { formatReference, OrlopError, parseReference, type Reference } from "@orlop/core";
import type { RegistriesConf } from "./registries-conf.ts";

/**
 * Reads the name of an image as this machine is configured: an alias of `registries.conf` counts, then the one registry that
 * names without a registry are searched in; docker.io where nothing is configured.
 *
 * @throws OrlopError `invalid`, also where several registries could be meant: another image than the user's must not come
 */
export function resolveShortName(text: string, { aliases, searched, searchedIn }: RegistriesConf): Reference {
  const first = text.split("/", 1)[0] ?? "";
  const hasRegistry = text.includes("/") && (/[.:A-Z]/.test(first) || first === "localhost");
  if (hasRegistry) return parseReference(text);
  const { name, rest } = splitName(text);
  const alias = aliases.get(name);
  if (alias !== undefined) return parseReference(alias + rest);
  if (searched === undefined || searched.length === 0) return parseReference(text);
  if (searched.length > 1) {
    const meant = searched.map((registry) => formatReference(parseReference(`${registry}/${text}`)));
    const problem = `${searchedIn ?? "registries.conf"} has several registries for names without one`;
    throw new OrlopError("invalid", `Cannot use image name "${text}": ${problem}\nTry one of: ${meant.join(", ")}`);
  }
  return parseReference(`${searched[0]}/${text}`);
}

/** `busybox` and `:1@sha256:...`. */
function splitName(text: string): { readonly name: string; readonly rest: string } {
  const end = /[:@]/.exec(text)?.index ?? text.length;
  return { name: text.slice(0, end), rest: text.slice(end) };
}
