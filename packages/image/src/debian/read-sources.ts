import type { AptFile } from "./apt-settings.ts";
import { refusedFile, shown } from "./debian-error.ts";
import { readStanzas, words } from "./read-stanza.ts";

/** One suite of a source of packages (sources.list(5)). */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Options by their names in lower case, as the format with lines has them: `signed-by`, `arch`. */
  readonly options: ReadonlyMap<string, string>;
}

/** Names of options in the format with fields that differ from those in the format with lines. */
const OPTION_NAMES: Readonly<Record<string, string>> = { architectures: "arch", languages: "lang", targets: "target" };

/**
 * The sources of binary packages in a file of one of apt's formats.
 *
 * @throws OrlopError `invalid`
 */
export function readSources({ path, text }: AptFile): readonly AptSource[] {
  return path.endsWith(".sources") ? readFields(text, path) : readLines(text, path);
}

function readLines(text: string, path: string): readonly AptSource[] {
  return text.split("\n").flatMap((line): readonly AptSource[] => {
    const bare = line.replace(/#.*/, "").trim();
    const [, type, bracket = "", rest = ""] = /^(\S+)\s+(?:\[([^\]]*)\]\s*)?(.*)$/.exec(bare) ?? [];
    if (bare === "" || type === "deb-src") return [];
    const [uri, suite, ...components] = words(rest);
    if (type !== "deb" || uri === undefined || suite === undefined) {
      throw refusedFile(path, `${shown(line)} is no source`);
    }
    const options = words(bracket).map((option): readonly [string, string] => {
      const equals = option.indexOf("=");
      if (equals < 1) throw refusedFile(path, `${shown(option)} is no option`);
      return [option.slice(0, equals).replace(/[+-]$/, "").toLowerCase(), option.slice(equals + 1)];
    });
    return [{ uri, suite, components, options: new Map(options) }];
  });
}

function readFields(text: string, path: string): readonly AptSource[] {
  return readStanzas(text, path).flatMap((stanza): readonly AptSource[] => {
    if (/^(?:no|false|0)$/i.test(stanza.get("enabled") ?? "")) return [];
    if (!words(stanza.get("types")).includes("deb")) return [];
    const components = words(stanza.get("components"));
    const options = new Map([...stanza].map(([name, value]) => [OPTION_NAMES[name] ?? name, value]));
    const uris = words(stanza.get("uris"));
    const suites = words(stanza.get("suites"));
    if (uris.length === 0 || suites.length === 0) throw refusedFile(path, "a source has no URIs or no Suites");
    return uris.flatMap((uri) => suites.map((suite) => ({ uri, suite, components, options })));
  });
}
