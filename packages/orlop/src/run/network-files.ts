import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "@orlop/core";
import type { NetworkMode } from "./run-options.ts";

export interface ContainerNames {
  readonly hostname: string;
  readonly domainname: string | undefined;
}

/** Writes the container's /etc/hosts, /etc/hostname and /etc/resolv.conf, which no image can know; returns their mounts. */
export function networkFiles(directory: string, names: ContainerNames, network: NetworkMode): readonly Mount[] {
  const contents = {
    hosts: network === "host" ? hostFile("/etc/hosts") : hostsText(names),
    hostname: `${names.hostname}\n`,
    "resolv.conf": network === "host" ? hostFile("/etc/resolv.conf") : "",
  };
  return Object.entries(contents).map(([name, content]) => ownFile(directory, name, content, `/etc/${name}`));
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

function ownFile(directory: string, name: string, content: string, destination: string): Mount {
  const source = join(directory, name);
  writeFileSync(source, content, { mode: 0o644 });
  return { destination, type: "bind", source, options: ["bind", "rprivate", "nosuid", "nodev", "noexec"] };
}

function hostFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Without a network the container still knows itself. */
function hostsText({ hostname, domainname }: ContainerNames): string {
  const own = domainname === undefined ? hostname : `${hostname}.${domainname} ${hostname}`;
  return `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t${own}\n`;
}
