import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostsEntry, Mount } from "@orlop/core";
import type { ContainerNames } from "@orlop/engine";
import { addedHosts, hostsText, resolversText } from "@orlop/engine/name-files";
import type { NetworkChoice } from "./network-options.ts";

/**
 * Writes the container's /etc/hosts, /etc/hostname and /etc/resolv.conf, which no image can know; returns their mounts. What a
 * network has to say of them is written into them when it is connected.
 */
export function networkFiles(
  directory: string,
  names: ContainerNames,
  network: NetworkChoice["kind"],
  resolver: string = RESOLVER,
): readonly Mount[] {
  const isShared = network === "host" || network === "container";
  const nothing = { servers: [], search: [], options: [] };
  const contents = {
    hosts: isShared
      ? hostFile("/etc/hosts") + addedText(addedHosts(names, LOOPBACK))
      : hostsText(names, [], addedHosts(names, undefined)),
    hostname: `${names.hostname}\n`,
    "resolv.conf": isShared && names.servers === undefined ? hostFile(RESOLVER) : resolversText(names, nothing),
  };
  const place = (name: string): string => (name === "resolv.conf" ? resolver : `/etc/${name}`);
  return Object.entries(contents).map(([name, content]) => ownFile(directory, name, content, place(name)));
}

const RESOLVER = "/etc/resolv.conf";

/** Whoever has this machine's network reaches it so. */
const LOOPBACK = "127.0.0.1";

function addedText(hosts: readonly HostsEntry[]): string {
  return hosts.map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

/** Where the machine's own /etc/resolv.conf really is. */
export function resolverPath(): string {
  return realPath(RESOLVER) ?? RESOLVER;
}

/**
 * Where the host's /etc/resolv.conf is a link into /run, which a container has its own of, as systemd-resolved has it:
 * a copy of the file at that place.
 */
export function resolverFile(ownDirectory: () => string): readonly Mount[] {
  const path = realPath("/etc/resolv.conf");
  if (!path?.startsWith("/run/")) return [];
  return [ownFile(ownDirectory(), "resolv.conf", hostFile(path), path)];
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** The mounts of files that the containers of a pod share, whoever writes them. */
export function podFileMounts(
  directory: string,
  resolver: string | undefined,
  withHostname: boolean,
): readonly Mount[] {
  return [
    bound(join(directory, "hosts"), "/etc/hosts"),
    bound(join(directory, "resolv.conf"), resolver ?? RESOLVER),
    ...(withHostname ? [bound(join(directory, "hostname"), "/etc/hostname")] : []),
  ];
}

function ownFile(directory: string, name: string, content: string, destination: string): Mount {
  const source = join(directory, name);
  writeFileSync(source, content, { mode: 0o644 });
  return bound(source, destination);
}

function bound(source: string, destination: string): Mount {
  return { destination, type: "bind", source, options: ["bind", "rprivate", "nosuid", "nodev", "noexec"] };
}

function hostFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
