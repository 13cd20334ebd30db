import { dirname, resolve } from "node:path";
import type { TomlValue } from "../../toml/parse-toml.ts";
import { isLoopback } from "../is-loopback.ts";
import type { RegistryCapability } from "../registry-endpoint.ts";
import { ConfigTable } from "./config-file.ts";
import { type HostCertificates, readNamed, readPair } from "./host-directory.ts";

/** One host of containerd's `hosts.toml`. */
export interface ConfiguredHost {
  /** What the paths of the distribution-spec are below. */
  readonly base: URL;
  readonly capabilities: ReadonlySet<RegistryCapability>;
  readonly certificates: HostCertificates;
  readonly skipVerify: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** What making a connection may take, TLS included; absent: what any silence may. */
  readonly dialTimeoutMs?: number;
}

export interface HostsFile {
  /** In the order in which they are asked. */
  readonly hosts: readonly ConfiguredHost[];
  /** The registry itself; absent: at its own name. */
  readonly server: ConfiguredHost | undefined;
}

const CAPABILITIES: readonly RegistryCapability[] = ["pull", "resolve", "push"];

/** Reads containerd's `hosts.toml` (containerd, "hosts.toml Content Description"). @throws OrlopError */
export async function parseHostsToml(path: string, text: string): Promise<HostsFile> {
  const root = ConfigTable.parse(path, text);
  const server = root.text("server");
  const table = root.table("host");
  const hosts: ConfiguredHost[] = [];
  for (const name of table?.keys() ?? []) {
    const host = table?.table(name);
    if (host !== undefined) hosts.push(await readHost(host, name));
  }
  // What stands outside of all hosts is the server's, whose address may be left out.
  const own = await readHost(root, server ?? "https://server.invalid");
  return { hosts, server: server === undefined && isPlain(own) ? undefined : own };
}

function isPlain({ certificates, skipVerify, headers, capabilities, dialTimeoutMs }: ConfiguredHost): boolean {
  const count = Object.keys(certificates).length + Object.keys(headers).length;
  return count === 0 && dialTimeoutMs === undefined && !skipVerify && capabilities.size === CAPABILITIES.length;
}

async function readHost(table: ConfigTable, address: string): Promise<ConfiguredHost> {
  const capabilities = table.texts("capabilities") ?? CAPABILITIES;
  const unknown = capabilities.find((each) => !(CAPABILITIES as readonly string[]).includes(each));
  if (unknown !== undefined) throw table.wrong("capabilities", `there is no "${unknown}"`);
  const at = (file: string): string => resolve(dirname(table.path), file);
  const ca = await Promise.all((table.texts("ca") ?? []).map((file) => readNamed(at(file))));
  const pairs = clientPairs(table).map(([certificate, key]) =>
    readPair(at(certificate), key === undefined ? undefined : at(key)),
  );
  const clientCertificates = await Promise.all(pairs);
  const dialTimeoutMs = table.durationMs("dial_timeout");
  if (dialTimeoutMs !== undefined && dialTimeoutMs < 1) throw table.wrong("dial_timeout", "it is less than 1ms");
  const host = {
    base: baseOf(table, address),
    capabilities: new Set(capabilities as readonly RegistryCapability[]),
    certificates: {
      ...(ca.length === 0 ? {} : { ca }),
      ...(clientCertificates.length === 0 ? {} : { clientCertificates }),
    },
    skipVerify: table.flag("skip_verify") ?? false,
    headers: readHeaders(table.table("header")),
    ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
  };
  table.end();
  return host;
}

/** A file with both, a list of those, or a list of pairs of files. */
function clientPairs(table: ConfigTable): readonly (readonly [string, string?])[] {
  const value = table.value("client");
  if (value === undefined) return [];
  const list: readonly TomlValue[] = Array.isArray(value) ? value : [value as TomlValue];
  return list.map((each) => {
    if (typeof each === "string") return [each] as const;
    const [certificate, key, ...more] = Array.isArray(each) ? (each as readonly TomlValue[]) : [];
    if (typeof certificate === "string" && typeof key === "string" && more.length === 0) {
      return key === "" ? ([certificate] as const) : ([certificate, key] as const);
    }
    throw table.wrong("client", "it is neither a file nor a list of pairs of files");
  });
}

/** `/v2` follows, unless it is there or `override_path` says that the path is whole. */
function baseOf(table: ConfigTable, address: string): URL {
  const isWhole = table.flag("override_path") ?? false;
  const bare = /^[a-z][a-z0-9+.-]*:\/\//.test(address) ? address : `${schemeFor(address)}://${address}`;
  const url = URL.parse(bare);
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === null || !isWeb || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw table.wrong("server", `"${address}" is no address of a web server`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = `${isWhole || path.endsWith("/v2") ? path : `${path}/v2`}/`;
  return url;
}

function schemeFor(address: string): string {
  const url = URL.parse(`https://${address}`);
  return url !== null && isLoopback(url.hostname) ? "http" : "https";
}

function readHeaders(table: ConfigTable | undefined): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const name of table?.keys() ?? []) headers[name.toLowerCase()] = table?.texts(name)?.join(", ") ?? "";
  return headers;
}
