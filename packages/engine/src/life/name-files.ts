import type { HostsEntry, Resolvers } from "@orlop/core";
import type { ContainerNames } from "../state/container-description.ts";

/** hosts(5): the loopback's names, the container's own, and others. */
export function hostsText(
  { hostname, domainname }: ContainerNames,
  own: readonly string[],
  others: readonly HostsEntry[],
): string {
  const names = domainname === undefined ? [hostname] : [`${hostname}.${domainname}`, hostname];
  const lines: readonly HostsEntry[] = [
    { address: "127.0.0.1", names: ["localhost"] },
    { address: "::1", names: ["localhost", "ip6-localhost", "ip6-loopback"] },
    // Without an address of its own the container still knows itself.
    ...(own.length === 0 ? ["127.0.0.1"] : own).map((address) => ({ address, names })),
    ...others,
  ];
  return lines.map((line) => `${line.address}\t${line.names.join(" ")}\n`).join("");
}

/** Docker's word for the address by which a container reaches this machine; an address of its own is put in its place. */
export const HOST_GATEWAY = "host-gateway";

/** Lines that were asked for; without a gateway there is nothing that its word could stand for. */
export function addedHosts(
  { hosts }: Pick<ContainerNames, "hosts">,
  gateway: string | undefined,
): readonly HostsEntry[] {
  return hosts.flatMap((entry) => {
    if (entry.address !== HOST_GATEWAY) return [entry];
    return gateway === undefined ? [] : [{ ...entry, address: gateway }];
  });
}

/** resolv.conf(5): what was asked for goes before what the networks say. */
export function resolversText(
  { servers, search, options }: Pick<ContainerNames, "servers" | "search" | "options">,
  networks: Resolvers,
): string {
  const words = { search: search ?? networks.search, options: options ?? networks.options };
  return [
    ...(servers ?? networks.servers).map((server) => `nameserver ${server}\n`),
    // A dot alone stands for no domain at all, as docker has it.
    ...(words.search.length === 0 || words.search.join() === "." ? [] : [`search ${words.search.join(" ")}\n`]),
    ...(words.options.length === 0 ? [] : [`options ${words.options.join(" ")}\n`]),
  ].join("");
}
