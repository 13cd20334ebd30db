import { OrlopError } from "@orlop/core";
import { type AptSettings, isOn } from "./apt-settings.ts";
import type { DebianRequest, Distribution } from "./debian-request.ts";
import { type AptSource, readSources } from "./read-sources.ts";
import { words } from "./read-stanza.ts";

/** A suite of a mirror: a directory below `dists` with a signed index. */
export interface Archive {
  /** Ends with a slash. */
  readonly base: URL;
  readonly suite: string;
  readonly components: readonly string[];
  /** Files with keys, fingerprints, or keys themselves; empty: those that apt trusts for all. */
  readonly signedBy: readonly SignedBy[];
  readonly checkValidUntil: boolean;
  readonly checkDate: boolean;
  /** The suite is guessed from the name of another, and need not be there. */
  readonly isOptional: boolean;
}

/** Of whom a signature counts. */
export type SignedBy = { readonly file: string } | { readonly fingerprint: string } | { readonly armor: string };

interface Defaults {
  readonly mirror: string;
  readonly security: string;
  readonly securitySuite: string;
  readonly keyring: string;
  /** Suites that have neither updates nor security. */
  readonly rolling: ReadonlySet<string>;
  /** How the paths of mirrors end. */
  readonly mirrorPath: RegExp;
  readonly securityPath: RegExp;
}

const DEFAULTS: Readonly<Record<Distribution, Defaults>> = {
  debian: {
    mirror: "http://deb.debian.org/debian",
    security: "http://deb.debian.org/debian-security",
    securitySuite: "-security",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
    rolling: new Set(["sid", "unstable", "experimental", "rc-buggy"]),
    mirrorPath: /\/debian\/?$/,
    securityPath: /\/debian-security\/?$/,
  },
  ubuntu: {
    mirror: "http://archive.ubuntu.com/ubuntu",
    security: "http://security.ubuntu.com/ubuntu",
    securitySuite: "-security",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    rolling: new Set(["devel"]),
    mirrorPath: /\/ubuntu\/?$/,
    securityPath: /\/ubuntu\/?$/,
  },
};

/** Machines that Ubuntu has at another place. */
const UBUNTU_PORTS = "http://ports.ubuntu.com/ubuntu-ports";
const UBUNTU_MAIN_ARCHITECTURES: ReadonlySet<string> = new Set(["amd64", "i386"]);

/**
 * Where the packages of a request come from: the mirror that it names, and of that the suite alone; else what this machine's
 * apt has for the suite and its updates; else the machine's mirror for other suites of the distribution; else the
 * distribution's own servers.
 *
 * @throws OrlopError
 */
export function chooseArchives(request: DebianRequest, settings: AptSettings): readonly Archive[] {
  const { mirror, suite } = request;
  if (mirror !== undefined) return [archiveOf(request, settings, { uri: mirror, suite })];
  const sources = settings.sourceFiles.flatMap(readSources);
  const suites = suitesOf(request);
  const known = sources.filter((source) => isWanted(source, suites, request));
  if (known.some((source) => source.suite === suite)) {
    return known.map((source) => archiveOf(request, settings, source, source.options));
  }
  const { mirrorPath, securityPath, securitySuite, rolling } = DEFAULTS[request.distribution];
  const defaults = serversOf(request);
  const main = sources.find(({ uri }) => mirrorPath.test(uri))?.uri ?? defaults.mirror;
  const security = sources.find(({ uri }) => securityPath.test(uri))?.uri ?? defaults.security;
  const own = archiveOf(request, settings, { uri: main, suite });
  if (rolling.has(suite)) return [own];
  const others = [
    archiveOf(request, settings, { uri: main, suite: `${suite}-updates` }),
    archiveOf(request, settings, { uri: security, suite: `${suite}${securitySuite}` }),
  ];
  return [own, ...others.map((archive) => ({ ...archive, isOptional: true }))];
}

/** What stands in the image's own list of sources: nothing of this machine, unless the request named it. */
export function publicArchives({ distribution, suite, mirror, ...request }: DebianRequest): readonly AptSource[] {
  const { rolling, securitySuite } = DEFAULTS[distribution];
  const servers = serversOf({ distribution, architecture: request.architecture });
  const source = (uri: string, name: string): AptSource => ({
    uri,
    suite: name,
    components: request.components,
    options: new Map(),
  });
  if (mirror !== undefined) return [source(mirror, suite)];
  if (rolling.has(suite)) return [source(servers.mirror, suite)];
  return [
    source(servers.mirror, suite),
    source(servers.mirror, `${suite}-updates`),
    source(servers.security, `${suite}${securitySuite}`),
  ];
}

function serversOf({
  distribution,
  architecture,
}: Pick<DebianRequest, "distribution" | "architecture">): Pick<Defaults, "mirror" | "security"> {
  const isPort = distribution === "ubuntu" && !UBUNTU_MAIN_ARCHITECTURES.has(architecture);
  return isPort ? { mirror: UBUNTU_PORTS, security: UBUNTU_PORTS } : DEFAULTS[distribution];
}

function suitesOf({ suite }: DebianRequest): ReadonlySet<string> {
  // What Debian had for security before bookworm's predecessor is of suites that are no longer there.
  return new Set([suite, `${suite}-updates`, `${suite}-security`]);
}

function isWanted(
  source: AptSource,
  suites: ReadonlySet<string>,
  { distribution, architecture }: DebianRequest,
): boolean {
  const architectures = words(source.options.get("arch")?.replaceAll(",", " "));
  const isOurs = architectures.length === 0 || architectures.includes(architecture);
  return suites.has(source.suite) && isOurs && isOfDistribution(source, distribution);
}

/** Third parties name their suites as the distribution does, and are not asked. */
function isOfDistribution({ uri }: AptSource, distribution: Distribution): boolean {
  const { mirrorPath, securityPath } = DEFAULTS[distribution];
  return (
    mirrorPath.test(uri) || securityPath.test(uri) || (distribution === "ubuntu" && /\/ubuntu-ports\/?$/.test(uri))
  );
}

function archiveOf(
  request: DebianRequest,
  settings: AptSettings,
  { uri, suite }: Pick<AptSource, "uri" | "suite">,
  options: ReadonlyMap<string, string> = new Map(),
): Archive {
  const check = (option: string, setting: string): boolean =>
    isOn(options.get(option)) ?? isOn(settings.setting(setting)) ?? true;
  return {
    base: baseOf(uri),
    suite,
    components: request.components,
    signedBy: request.keyring === undefined ? readSignedBy(options.get("signed-by")) : [{ file: request.keyring }],
    checkValidUntil: check("check-valid-until", "Acquire::Check-Valid-Until"),
    checkDate: check("check-date", "Acquire::Check-Date"),
    isOptional: false,
  };
}

const PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "file:"]);

function baseOf(uri: string): URL {
  const url = URL.canParse(uri) ? new URL(uri.endsWith("/") ? uri : `${uri}/`) : undefined;
  if (url !== undefined && PROTOCOLS.has(url.protocol)) return url;
  throw new OrlopError("unsupported", `Cannot use mirror "${uri}": there are http, https and file`);
}

function readSignedBy(value: string | undefined): readonly SignedBy[] {
  if (value === undefined) return [];
  if (value.includes("-----BEGIN PGP")) {
    // In a field, an empty line is written as a dot, and every line is indented.
    return [{ armor: value.replace(/^[ \t]+/gm, "").replace(/^\.$/gm, "") }];
  }
  return words(value.replaceAll(",", " ")).map((word): SignedBy => {
    if (word.startsWith("/")) return { file: word };
    if (/^(?:0x)?[0-9A-Fa-f]{16,40}!?$/.test(word)) return { fingerprint: word.replace(/^0x|!$/g, "").toUpperCase() };
    throw new OrlopError("invalid", `Cannot use keyring "${word}": it is neither a path nor a fingerprint`);
  });
}

/** The keys of the distribution, where the machine has them. */
export function distributionKeyring(distribution: Distribution): string {
  return DEFAULTS[distribution].keyring;
}
