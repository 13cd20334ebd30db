import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Resolvers } from "@orlop/core";

/** Where systemd-resolved keeps the servers behind its own, which listens on loopback alone (resolved.conf(5)). */
const FILES: readonly string[] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/**
 * The host's servers for names, as resolv.conf(5) has them, without those that are on the host's loopback, where no container
 * reaches them. None is made up where none is left.
 */
export function hostResolvers(read: (path: string) => string | undefined = readIfThere): Resolvers {
  let last: Resolvers = { servers: [], search: [], options: [] };
  for (const path of FILES) {
    const text = read(path);
    if (text === undefined) continue;
    const found = parseResolvConf(text);
    last = { ...found, servers: found.servers.filter((server) => !isLoopback(server)) };
    if (last.servers.length > 0) break;
  }
  return last;
}

/** The host's servers for whoever is on the host itself, where those on its loopback are reached, too. */
export function nameServersOfHost(read: (path: string) => string | undefined = readIfThere): readonly string[] {
  const [path = ""] = FILES;
  return parseResolvConf(read(path) ?? "").servers;
}

function parseResolvConf(text: string): Resolvers {
  const servers: string[] = [];
  const options: string[] = [];
  let search: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...values] = line.trim().split(/[ \t]+/);
    if (word === "nameserver" && values[0] !== undefined && isIP(values[0]) !== 0) servers.push(values[0]);
    // The last of both counts.
    if (word === "search" || word === "domain") search = values;
    if (word === "options") options.push(...values);
  }
  return { servers, search, options };
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
