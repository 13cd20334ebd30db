import { BlockList, isIP } from "node:net";
import { OrlopError } from "@orlop/core";
import { isLoopback } from "../is-loopback.ts";

/** The proxy for a URL; undefined: none. */
export type ProxyFor = (url: URL) => URL | undefined;

/**
 * Proxies as the environment names them, as Go's programs read it: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or
 * not. This machine is never asked for through one.
 *
 * @throws OrlopError `unsupported`, when one is asked for, for kinds of proxies that there are not
 */
export function proxiesOfEnvironment(env: NodeJS.ProcessEnv = process.env): ProxyFor {
  const value = (name: string): string => env[name] || env[name.toLowerCase()] || "";
  const exceptions = parseExceptions(value("NO_PROXY"));
  const parsed = new Map<string, URL>();
  return (url) => {
    // A web server that starts us puts a header of its client's there (CVE-2016-5385).
    const name = url.protocol === "https:" ? "HTTPS_PROXY" : env.REQUEST_METHOD === undefined ? "HTTP_PROXY" : "";
    const text = name === "" ? "" : value(name);
    if (text === "" || isLoopback(url.hostname) || exceptions(url)) return undefined;
    const known = parsed.get(text) ?? parseProxy(name, text);
    parsed.set(text, known);
    return known;
  };
}

function parseProxy(name: string, text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // It may have a password in it.
  const kind = url === null ? "it is no address" : `there is no support for "${url.protocol}"`;
  throw new OrlopError("unsupported", `Cannot use proxy of ${name}: ${kind}`);
}

/** Hosts with all below them, addresses, networks, each with a port or without, or `*`. */
function parseExceptions(text: string): (url: URL) => boolean {
  const rules = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((each) => each !== "")
    .map(parseException);
  return (url) => rules.some((matches) => matches(url));
}

function parseException(text: string): (url: URL) => boolean {
  if (text === "*") return () => true;
  const [, network, bits] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  if (network !== undefined && isIP(network) !== 0) return inNetwork(network, Number(bits));
  const [, host = text, port] = isIP(text) === 6 ? [] : (/^(.*?)(?::(\d+))?$/.exec(text) ?? []);
  const bare = host.replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
  const isBelowOnly = /^\*?\./.test(host);
  return (url) => {
    if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80"))) return false;
    const name = url.hostname.replace(/^\[|\]$/g, "");
    return (name === bare && !isBelowOnly) || (isIP(bare) === 0 && name.endsWith(`.${bare}`));
  };
}

function inNetwork(network: string, bits: number): (url: URL) => boolean {
  const family = isIP(network) === 6 ? "ipv6" : "ipv4";
  if (bits > (family === "ipv6" ? 128 : 32)) return () => false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return (url) => {
    const name = url.hostname.replace(/^\[|\]$/g, "");
    return isIP(name) !== 0 && list.check(name, isIP(name) === 6 ? "ipv6" : "ipv4");
  };
}
