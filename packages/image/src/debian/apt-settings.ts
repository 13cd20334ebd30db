import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import type { ProxyFor } from "../remote/remote-files.ts";

const OUTPUT_MAX_BYTES = 4 * 1024 * 1024;

/** What this machine's apt is told, as far as it is of use to others. */
export interface AptSettings {
  /** A value of apt.conf(5) by its full name: `Acquire::http::Proxy`; names have no case. */
  setting(name: string): string | undefined;
  /** Files with sources, by their paths. */
  readonly sourceFiles: readonly AptFile[];
  /** Files with keys that may sign every source that does not name its own. */
  readonly trustedKeyrings: readonly string[];
}

export interface AptFile {
  readonly path: string;
  readonly text: string;
}

/** A machine without apt. */
const NO_APT: AptSettings = { setting: () => undefined, sourceFiles: [], trustedKeyrings: [] };

/**
 * Asks the machine's apt for its configuration.
 *
 * @throws OrlopError `failed` where there is an apt that does not say
 */
export async function readAptSettings(signal?: AbortSignal): Promise<AptSettings> {
  const dump = await aptConfig(signal);
  if (dump === undefined) return NO_APT;
  const values = new Map<string, string>();
  for (const line of dump.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals).toLowerCase(), line.slice(equals + 1));
  }
  const setting = (name: string): string | undefined => values.get(name.toLowerCase());
  const etc = join(setting("Dir") ?? "/", setting("Dir::Etc") ?? "etc/apt");
  const path = (name: string, otherwise: string): string => {
    const value = setting(`Dir::Etc::${name}`) ?? otherwise;
    return value.startsWith("/") ? value : join(etc, value);
  };
  const parts = path("sourceparts", "sources.list.d");
  const files = [path("sourcelist", "sources.list"), ...(await filesOf(parts, [".list", ".sources"]))];
  const texts = await Promise.all(files.map(readOptional));
  return {
    setting,
    sourceFiles: texts.filter((file) => file !== undefined),
    trustedKeyrings: [
      path("trusted", "trusted.gpg"),
      ...(await filesOf(path("trustedparts", "trusted.gpg.d"), [".gpg", ".asc"])),
    ],
  };
}

async function aptConfig(signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const options = { maxBuffer: OUTPUT_MAX_BYTES, ...(signal === undefined ? {} : { signal }) };
    const { stdout } = await promisify(execFile)("apt-config", ["dump", "--empty=no", "--format", "%f=%v%n"], options);
    return stdout;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    signal?.throwIfAborted();
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("failed", `Cannot ask "apt-config" for its configuration: ${problem}`, { cause });
  }
}

async function filesOf(directory: string, endings: readonly string[]): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => join(directory, name));
}

async function readOptional(path: string): Promise<AptFile | undefined> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

const DIRECT = "DIRECT";

/** The proxies of apt-transport-http(1): of a host, of a scheme, else of the environment. */
export function aptProxies({ setting }: AptSettings, environment: NodeJS.ProcessEnv = process.env): ProxyFor {
  return (url) => {
    const scheme = url.protocol.slice(0, -1);
    const own = setting(`Acquire::${scheme}::Proxy::${url.hostname}`) ?? setting(`Acquire::${scheme}::Proxy`);
    const fallback = scheme === "https" ? setting("Acquire::http::Proxy") : undefined;
    const proxy = own ?? fallback ?? environmentProxy(scheme, url.hostname, environment);
    if (proxy === undefined || proxy === DIRECT || proxy === "false" || proxy === "") return undefined;
    if (!/^https?:\/\//.test(proxy)) {
      throw new OrlopError("unsupported", `Cannot use proxy "${proxy}" of apt: there are http and https`);
    }
    return proxy;
  };
}

function environmentProxy(scheme: string, host: string, environment: NodeJS.ProcessEnv): string | undefined {
  const without = (environment.no_proxy ?? "").split(",").map((name) => name.trim().replace(/^\./, ""));
  const isExcepted = without.some(
    (name) => name !== "" && (name === "*" || host === name || host.endsWith(`.${name}`)),
  );
  return isExcepted ? undefined : environment[`${scheme}_proxy`];
}

/** Whether a value of apt.conf(5) is on; undefined where it says nothing. */
export function isOn(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(?:no|false|without|off|disable|0)$/i.test(value)) return false;
  return /^(?:yes|true|with|on|enable|1)$/i.test(value) ? true : undefined;
}
