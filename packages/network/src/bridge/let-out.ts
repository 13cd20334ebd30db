import type { NamedAddress } from "../names/answerer.ts";
import type { EndpointRecord, FoundAddress, NetworkRecords } from "../records/network-records.ts";
import type { HostSide } from "./host-side.ts";
import { egressElements } from "./rule-elements.ts";

/** An address is let out to for longer than it is valid: who has it connects afterwards, and it is not written down each time. */
const SLACK_MS = 30_000;
/** However long the owner of a name says that it is valid. */
const VALID_MAX_MS = 24 * 3600 * 1000;
/** Of one endpoint; the oldest ones go. */
const FOUND_MAX = 512;

interface Finding {
  readonly network: string;
  readonly id: string;
  /** In small letters. */
  readonly name: string;
  readonly addresses: readonly NamedAddress[];
}

/** Does something on the host; all of it once more where it was cut off. */
export type OnSide = (work: (side: HostSide) => Promise<void>) => Promise<void>;

/** Writes down what a name stands for, and lets the endpoint out to it as its policy says. */
export async function letOutTo(
  records: NetworkRecords,
  onSide: OnSide,
  { network, id, name, addresses }: Finding,
): Promise<void> {
  const nowMs = Date.now();
  const news = addresses.map(({ address, ttlSeconds }): FoundAddress => {
    return { name, address, untilMs: nowMs + Math.min(ttlSeconds * 1000, VALID_MAX_MS) };
  });
  const { record, added } = records.transaction(() => {
    const found = records.endpoint(network, id);
    if (found === undefined || found.state !== "made") return { record: undefined, added: [] };
    return insertFound(records, found, news);
  });
  if (record === undefined || added.length === 0) return;
  await onSide((side) => side.letOut(record, added));
  const after = records.endpoint(network, id);
  if (after !== undefined && JSON.stringify(after.endpoint.egress) === JSON.stringify(record.endpoint.egress)) return;
  // The policy has been changed meanwhile, or the endpoint is gone: what it does not have is taken back.
  const kept = new Set(
    (after?.link === record.link ? egressElements(after) : []).map(({ set, key }) => JSON.stringify([set, key])),
  );
  const surplus = egressElements(record).filter(({ set, key }) => !kept.has(JSON.stringify([set, key])));
  await onSide((side) => side.rules.remove(surplus));
}

/** Those that are not known as valid for long enough, with some time more. */
function insertFound(
  records: NetworkRecords,
  record: EndpointRecord,
  news: readonly FoundAddress[],
): { readonly record: EndpointRecord; readonly added: readonly FoundAddress[] } {
  const known = record.found ?? [];
  const isSame = (a: FoundAddress, b: FoundAddress): boolean => a.name === b.name && a.address === b.address;
  const added = news
    .filter((each) => !known.some((old) => isSame(old, each) && old.untilMs >= each.untilMs))
    .map((each) => ({ ...each, untilMs: each.untilMs + SLACK_MS }));
  if (added.length === 0) return { record, added };
  const others = known.filter((old) => !added.some((each) => isSame(old, each)));
  const changed = { ...record, found: [...others, ...added].slice(-FOUND_MAX) };
  records.updateEndpoint(changed);
  return { record: changed, added };
}
