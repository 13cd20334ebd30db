import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";

/** Versions of the CNI specification whose configurations and results are understood, oldest first. */
const CNI_VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof CNI_VERSIONS)[number];

/** One plug-in of a list: what it is given, beside what the specification has us add. */
export interface CniPlugin {
  /** Name of its program. */
  readonly type: string;
  /** Of the runtime's, that it wants: `portMappings`, `ips`, `mac`, ... */
  readonly capabilities: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** A network configuration list: CNI specification, section 1. */
export interface Conflist {
  readonly cniVersion: CniVersion;
  readonly name: string;
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  readonly plugins: readonly CniPlugin[];
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Whether a version has what came with another one. */
export function hasCniVersion(version: CniVersion, since: CniVersion): boolean {
  return CNI_VERSIONS.indexOf(version) >= CNI_VERSIONS.indexOf(since);
}

/**
 * The lists of a directory, in the order of their files' names; the first one of each name counts. A directory that is not
 * there has none.
 *
 * @throws OrlopError `invalid` for a file that is none, `unsupported`
 */
export function readConflists(directory: string): readonly Conflist[] {
  const lists = new Map<string, Conflist>();
  for (const file of fileNames(directory)) {
    const path = join(directory, file);
    const list = parseConflist(readFileSync(path, "utf8"), path);
    if (!lists.has(list.name)) lists.set(list.name, list);
  }
  return [...lists.values()];
}

function fileNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(conflist|conf|json)$/.test(name))
      .toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw systemFailure(`read CNI configurations of "${directory}"`, error);
  }
}

/** A configuration of a single plug-in, as there were before lists, is a list of it. */
export function parseConflist(text: string, path: string): Conflist {
  const cannot = (problem: string, code: "invalid" | "unsupported" = "invalid"): OrlopError =>
    new OrlopError(code, `Cannot read CNI configuration "${path}": ${problem}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OrlopError("invalid", `Cannot read CNI configuration "${path}": it is no JSON`, { cause });
  }
  if (!isObject(value)) throw cannot("it is no object");
  const { name, plugins = [value] } = value;
  if (typeof name !== "string" || !NAME.test(name)) throw cannot("its name is none that a network can have");
  if (!Array.isArray(plugins) || plugins.length === 0) throw cannot("it has no plugins");
  const version = chooseVersion(value);
  if (version === undefined) {
    throw cannot(`its version is none of ${CNI_VERSIONS.join(", ")}`, "unsupported");
  }
  return {
    cniVersion: version,
    name,
    disableCheck: value.disableCheck === true,
    disableGC: value.disableGC === true,
    plugins: plugins.map((each: unknown) => parsePlugin(each, cannot)),
  };
}

/** The newest one that both sides know: `cniVersions`, since 1.1.0, may say more than `cniVersion`. */
function chooseVersion({ cniVersion, cniVersions }: Readonly<Record<string, unknown>>): CniVersion | undefined {
  const offered: readonly unknown[] = Array.isArray(cniVersions) ? [cniVersion, ...cniVersions] : [cniVersion];
  return CNI_VERSIONS.findLast((version) => offered.includes(version));
}

function parsePlugin(value: unknown, cannot: (problem: string) => OrlopError): CniPlugin {
  if (!isObject(value)) throw cannot("a plug-in is no object");
  const { type, capabilities = {}, ...rest } = value;
  // It names a program within the directories for plug-ins, and nothing else.
  if (typeof type !== "string" || !NAME.test(type)) throw cannot(`"${String(type)}" is no type of a plug-in`);
  if (!isObject(capabilities)) throw cannot(`the capabilities of plug-in "${type}" are no object`);
  const wanted = Object.keys(capabilities).filter((name) => capabilities[name] === true);
  return { type, capabilities: wanted, config: { type, ...rest } };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
