import { OrlopError } from "@orlop/core";
import type { RelayNamespace } from "@orlop/kernel/netlink";
import { linkNames } from "./host-links.ts";

const CONF = "/proc/sys/net";
const FORWARDING = { 4: `${CONF}/ipv4/ip_forward`, 6: `${CONF}/ipv6/conf/all/forwarding` } as const;

/**
 * Has the host forward packets of that version of IP.
 *
 * A host that forwards IPv6 no longer takes its own routes from router advertisements, unless its interfaces are told to
 * (accept_ra=2: Documentation/networking/ip-sysctl.rst); those that did go on.
 */
export async function switchForwardingOn(host: RelayNamespace, version: 4 | 6): Promise<void> {
  if (version === 6) {
    for (const name of [...(await linkNames(host)), "default"]) {
      const setting = `${CONF}/ipv6/conf/${name}/accept_ra`;
      if ((await readIfThere(host, setting)) === "1") await host.writeFile(setting, "2");
    }
  }
  await host.writeFile(FORWARDING[version], "1");
}

export async function isForwarding(host: RelayNamespace, version: 4 | 6): Promise<boolean> {
  return (await host.readFile(FORWARDING[version])).trim() !== "0";
}

/**
 * Whether a bridge routes packets of loopback addresses: what 127.0.0.1 of the host sends to a published port leaves by it.
 * The rules that keep everybody else from the host's loopback have to be there before.
 */
export async function setRouteLocalnet(host: RelayNamespace, bridge: string, on: boolean): Promise<void> {
  const path = `${CONF}/ipv4/conf/${bridge}/route_localnet`;
  const now = await readIfThere(host, path);
  if (now === undefined || now === (on ? "1" : "0")) return;
  await host.writeFile(path, on ? "1" : "0");
}

/** Whether the kernel has IPv6 at all. */
export async function hasProtocol6(host: RelayNamespace): Promise<boolean> {
  return (await readIfThere(host, `${CONF}/ipv6/conf/all/forwarding`)) !== undefined;
}

async function readIfThere(host: RelayNamespace, path: string): Promise<string | undefined> {
  try {
    return (await host.readFile(path)).trim();
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}
