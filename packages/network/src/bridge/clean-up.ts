import { OrlopError } from "@orlop/core";
import { isMarkAlive } from "@orlop/kernel";
import { listLinks } from "@orlop/kernel/rtnetlink";
import type { EndpointRecord, NetworkRecords } from "../records/network-records.ts";
import type { EndpointWork } from "./endpoint-work.ts";
import { linkNames, removeLink } from "./host-links.ts";
import type { HostSide } from "./host-side.ts";
import { isOwnLink } from "./network-work.ts";
import { HOST_LINK, networkElements } from "./rule-elements.ts";
import { ELEMENTS_AT_ONCE, type RuleElement } from "./rule-set.ts";

/** So often the rules may change between a look at them and what follows from it. */
const TRIES_MAX = 16;

/**
 * Removes records without a living thing, and things without a record.
 *
 * Who makes something writes it down first, so the kernel is looked at before the records: what it has then and no record
 * tells of is left over, and not somebody's who is at work.
 */
export async function cleanUp(host: HostSide, records: NetworkRecords, work: EndpointWork): Promise<void> {
  await removeDeadEndpoints(host, records, work);
  await removeStrayLinks(host, records);
  await host.ensureClosedLinks();
  await settleElements(host, records);
  await host.settleWayOut();
}

async function removeDeadEndpoints(host: HostSide, records: NetworkRecords, work: EndpointWork): Promise<void> {
  for (const record of records.endpoints()) {
    if (await isAlive(host, record)) continue;
    const network = records.network(record.endpoint.network);
    if (network === undefined || (host.isApart && (await work.restore(network, record)))) continue;
    await work.remove(network, record);
  }
}

async function isAlive(host: HostSide, { state, maker, link }: EndpointRecord): Promise<boolean> {
  // The kernel takes the pair of interfaces away with the namespace that one of them is in.
  return state === "made" ? await host.hasLink(link) : isMarkAlive(maker);
}

async function removeStrayLinks(host: HostSide, records: NetworkRecords): Promise<void> {
  const owner = records.owner();
  const links = await host.namespace.values("route", listLinks({ withoutStatistics: true }));
  const known = knownLinks(records);
  for (const { index, name = "" } of links) {
    // By its number, which no other interface will have.
    if (isOwnLink(name, owner) && !known.has(name)) await removeLink(host.namespace, index);
  }
}

function knownLinks(records: NetworkRecords): ReadonlySet<string> {
  return records.transaction(() => new Set([...records.networks(), ...records.endpoints()].map(({ link }) => link)));
}

/** Has the rules say what the records do. */
async function settleElements(host: HostSide, records: NetworkRecords): Promise<void> {
  for (let refused = 0; ; ) {
    const { elements, generation } = await host.rules.list();
    const { gone, come } = await difference(host, records, elements);
    if (gone.length + come.length === 0) return;
    try {
      // Somebody may have taken all rules of the machine away.
      if (come.length > 0) await host.rules.ensureTablesFor(come);
      const some = gone.slice(0, ELEMENTS_AT_ONCE);
      const more = come.slice(0, ELEMENTS_AT_ONCE - some.length);
      await host.rules.replace(some, more, gone.length === 0 ? undefined : generation);
    } catch (error) {
      const movedOn = error instanceof OrlopError && (error.errno === "ERESTART" || error.code === "not-found");
      if (!movedOn || ++refused === TRIES_MAX) throw error;
    }
  }
}

interface Difference {
  readonly gone: readonly RuleElement[];
  readonly come: readonly RuleElement[];
}

/** What belongs to something that is being connected or disconnected is left to whoever does it. */
async function difference(
  host: HostSide,
  records: NetworkRecords,
  elements: readonly RuleElement[],
): Promise<Difference> {
  const links = await linkNames(host.namespace);
  const { networks, endpoints } = records.transaction(() => ({
    networks: records.networks(),
    endpoints: records.endpoints(),
  }));
  const known = new Set([...networks, ...endpoints].map(({ link }) => link)).add(HOST_LINK);
  const settledNetworks = networks.filter(({ link }) => links.has(link));
  const settledEndpoints = endpoints.filter(({ state }) => state === "made");
  const settled = new Set([...settledNetworks, ...settledEndpoints].map(({ link }) => link));
  const wanted = [
    ...settledNetworks.flatMap(networkElements),
    ...settledEndpoints.flatMap((each) => host.elements(each)),
  ];
  const [wantedKeys, presentKeys] = [wanted, elements].map((list) => new Set(list.map(identityOf)));
  return {
    gone: elements.filter(
      (each) => !known.has(each.link) || (settled.has(each.link) && wantedKeys?.has(identityOf(each)) === false),
    ),
    come: wanted.filter((each) => presentKeys?.has(identityOf(each)) === false),
  };
}

function identityOf({ set, key, value = [], link }: RuleElement): string {
  return JSON.stringify([set, key, value, link]);
}
