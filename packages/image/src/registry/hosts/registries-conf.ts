import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigTable, configError, filesEndingWith, readConfigFile } from "./config-file.ts";

/** A place that stands in for a part of the names of images. */
interface RegistryLocation {
  /** `mirror.example/path`, without a scheme. */
  readonly location: string;
  /** Without TLS, or with whatever certificate. */
  readonly insecure: boolean;
}

interface RegistryMirror extends RegistryLocation {
  readonly pullBy: "all" | "digest-only" | "tag-only";
}

/** One `[[registry]]`. */
export interface RegistryRule extends RegistryLocation {
  /** `registry.example`, `registry.example/team` or `*.example`. */
  readonly prefix: string;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

/** What `registries.conf` says (containers-registries.conf(5), version 2). */
export interface RegistriesConf {
  readonly rules: ReadonlyMap<string, RegistryRule>;
  readonly aliases: ReadonlyMap<string, string>;
  /** For names without a registry; undefined where nothing is said. */
  readonly searched: readonly string[] | undefined;
  /** The file that says it. */
  readonly searchedIn: string | undefined;
}

interface MutableConf {
  readonly rules: Map<string, RegistryRule>;
  readonly aliases: Map<string, string>;
  searched: readonly string[] | undefined;
  searchedIn: string | undefined;
}

/**
 * Reads the machine's file or the user's instead of it, and those of the directories beside both, of which later ones
 * override.
 *
 * @throws OrlopError
 */
export async function readRegistriesConf(env: NodeJS.ProcessEnv = process.env): Promise<RegistriesConf> {
  const conf: MutableConf = { rules: new Map(), aliases: new Map(), searched: undefined, searchedIn: undefined };
  for (const path of await confFiles(env)) {
    const text = await readConfigFile(path);
    if (text !== undefined) addFile(conf, ConfigTable.parse(path, text));
  }
  return conf;
}

async function confFiles(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const named = env.CONTAINERS_REGISTRIES_CONF ?? "";
  if (named !== "") {
    if ((await readConfigFile(named)) === undefined) throw configError(named, "it is not there");
    return [named];
  }
  const home = env.HOME === undefined || env.HOME === "" ? homedir() : env.HOME;
  const own = join(home, ".config/containers/registries.conf");
  const candidates = [own, "/etc/containers/registries.conf", "/usr/share/containers/registries.conf"];
  const main: string[] = [];
  for (const path of candidates) {
    if (main.length === 0 && (await readConfigFile(path)) !== undefined) main.push(path);
  }
  return [
    ...main,
    ...(await filesEndingWith("/etc/containers/registries.conf.d", ".conf")),
    ...(await filesEndingWith(`${own}.d`, ".conf")),
  ];
}

function addFile(conf: MutableConf, root: ConfigTable): void {
  if (root.value("registries") !== undefined) {
    throw root.wrong("registries", "it is of version 1; see containers-registries.conf(5) for version 2");
  }
  const searched = root.texts("unqualified-search-registries");
  if (searched !== undefined) {
    conf.searched = searched;
    conf.searchedIn = root.path;
  }
  // Among several registries we never choose, in whichever mode.
  const mode = root.text("short-name-mode");
  if (mode !== undefined && !["enforcing", "permissive", "disabled"].includes(mode)) {
    throw root.wrong("short-name-mode", `there is no "${mode}"`);
  }
  for (const [index, helper] of (root.texts("credential-helpers") ?? []).entries()) {
    // The files that it stands for are read anyway.
    if (helper === "containers-auth.json") continue;
    throw root.wrong(
      `credential-helpers[${index}]`,
      "helpers are read from credHelpers and credsStore of docker's config.json",
    );
  }
  const aliases = root.table("aliases");
  for (const name of aliases?.keys() ?? []) {
    const value = aliases?.text(name) ?? "";
    if (value === "") conf.aliases.delete(name);
    else conf.aliases.set(name, value);
  }
  for (const table of root.tables("registry")) {
    const rule = readRule(table);
    conf.rules.set(rule.prefix, rule);
  }
  root.end();
}

function readRule(table: ConfigTable): RegistryRule {
  const location = locationOf(table);
  const prefix = (table.text("prefix") ?? "").replace(/\/+$/, "") || location;
  if (prefix === "") throw table.wrong("location", "neither it nor a prefix is given");
  if (!/^(?:\*\.)?[A-Za-z0-9[][^\s*@]*$/.test(prefix))
    throw table.wrong("prefix", `"${prefix}" begins no name of an image`);
  if (prefix.startsWith("*.") && prefix.includes("/")) throw table.wrong("prefix", "with a wildcard it has no path");
  const byDigest = table.flag("mirror-by-digest-only") ?? false;
  const rule = {
    prefix,
    location: location === "" && !prefix.startsWith("*.") ? prefix : location,
    insecure: table.flag("insecure") ?? false,
    blocked: table.flag("blocked") ?? false,
    mirrors: table.tables("mirror").map((mirror) => readMirror(mirror, byDigest)),
  };
  table.end();
  return rule;
}

function readMirror(table: ConfigTable, byDigest: boolean): RegistryMirror {
  const location = locationOf(table);
  if (location === "") throw table.wrong("location", "it is not given");
  const asked = table.text("pull-from-mirror") ?? "";
  if (asked !== "" && asked !== "all" && asked !== "digest-only" && asked !== "tag-only") {
    throw table.wrong("pull-from-mirror", `there is no "${asked}"`);
  }
  if (asked !== "" && byDigest) throw table.wrong("pull-from-mirror", "mirror-by-digest-only is set as well");
  const pullBy = asked === "" ? (byDigest ? "digest-only" : "all") : asked;
  const mirror = { location, insecure: table.flag("insecure") ?? false, pullBy } as const;
  table.end();
  return mirror;
}

function locationOf(table: ConfigTable): string {
  const location = (table.text("location") ?? "").replace(/\/+$/, "");
  if (/:\/\/|[\s@?#]/.test(location)) throw table.wrong("location", `"${location}" is no name of a registry`);
  return location;
}
