import { OrlopError, type Route } from "@orlop/core";
import type { NetworkRelay } from "@orlop/kernel/netlink";
import { isNamespaceThere } from "../namespace-path.ts";
import type { EndpointRecord, NetworkRecords } from "../records/network-records.ts";
import { addRoutes, defaultRouteVersions } from "./endpoint-links.ts";
import { defaultRoutes } from "./endpoint-wishes.ts";

interface HandOver {
  readonly relay: NetworkRelay;
  readonly records: NetworkRecords;
  /** Writes down what a further endpoint has from now on. */
  readonly change: (record: EndpointRecord, routes: readonly Route[]) => void;
}

/**
 * Leads a namespace out by the first of its other endpoints that can, when the one that has done it goes. It is done while
 * that one's record is there still: who finds it left over does it once more.
 */
export async function handOverRoutes({ relay, records, change }: HandOver, gone: EndpointRecord): Promise<void> {
  const { routes, network, id } = gone.endpoint;
  const others = records
    .endpoints()
    .filter((each) => each.state === "made" && each.namespace.identity === gone.namespace.identity)
    .filter(({ endpoint }) => endpoint.network !== network || endpoint.id !== id)
    .toSorted((a, b) => (a.endpoint.interfaceName < b.endpoint.interfaceName ? -1 : 1));
  if (routes.length === 0 || others.length === 0 || !isNamespaceThere(gone.namespace)) return;
  await using inside = await relay.openNamespace(gone.namespace.path);
  for (const other of others) {
    const info = records.network(other.endpoint.network)?.info;
    const added = info === undefined ? [] : defaultRoutes(info, other.wishes, await defaultRouteVersions(inside));
    if (added.length === 0) continue;
    try {
      await addRoutes(inside, other.endpoint.interfaceName, added);
      change(other, [...other.endpoint.routes, ...added]);
    } catch (error) {
      // It is about to go, too, and takes its routes with it.
      const isGoing = error instanceof OrlopError && (error.code === "conflict" || error.code === "not-found");
      if (!isGoing) throw error;
    }
  }
}
