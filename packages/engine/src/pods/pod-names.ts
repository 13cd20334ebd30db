import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint, HostsEntry } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { mergeResolvers } from "../life/container-networks.ts";
import { addedHosts, hostsText, resolversText } from "../life/name-files.ts";
import type { Pod } from "./pod-description.ts";
import { podFiles } from "./pod-places.ts";

/** Writes what the containers of a pod know of names; in place, as the files are bound into them. */
export async function writePodNames(
  context: EngineContext,
  { id, names }: Pick<Pod, "id" | "names">,
  endpoints: readonly Endpoint[],
): Promise<void> {
  const directory = podFiles(context, id);
  if (!existsSync(directory)) return;
  const entries: HostsEntry[] = [];
  if (endpoints.length > 0) {
    const driver = await context.networks();
    for (const { network } of endpoints) entries.push(...(await driver.hostsEntries(network)));
  }
  const own = endpoints.flatMap(({ addresses }) => addresses.map((address) => address.replace(/\/.*$/, "")));
  const others = entries.filter(({ address }) => !own.includes(address));
  const added = addedHosts(names, endpoints.flatMap(({ gateways }) => gateways)[0]);
  const text = hostsText(names, own, [...memberNames(context, id, own), ...added, ...others]);
  writeFileSync(join(directory, "hosts"), text);
  if (endpoints.length > 0) {
    writeFileSync(join(directory, "resolv.conf"), resolversText(names, mergeResolvers(endpoints)));
  }
}

/** Its containers are all at the pod's own address. */
function memberNames({ rows, podRows }: EngineContext, id: string, own: readonly string[]): readonly HostsEntry[] {
  const names = podRows.members(id).flatMap((member) => rows.get(member)?.name ?? []);
  if (names.length === 0) return [];
  return (own.length === 0 ? ["127.0.0.1"] : own).map((address) => ({ address, names: names.toSorted() }));
}
