import type { EgressRule, Endpoint, PublishedPort } from "@orlop/core";
import { formatIpAddress, lastAddressOf, networkOf, parseIpAddress, parseIpPrefix } from "@orlop/kernel/netlink";
import { isNameRule, servicesOf } from "../egress/name-rules.ts";
import type { AnswerPort, EndpointRecord, FoundAddress, NetworkRecord } from "../records/network-records.ts";
import { bridgeOptionsOf } from "./bridge-options.ts";
import type { RuleElement } from "./rule-set.ts";
import type { SetName } from "./rule-table.ts";

type Key = RuleElement["key"];

/** What the rules know of a network. */
export function networkElements({ info, link, answers = [] }: NetworkRecord): readonly RuleElement[] {
  const { masquerade, isolated } = bridgeOptionsOf(info.options, info.name);
  const element = (set: SetName, ...key: Key): RuleElement => ({ set, key, link });
  return [
    element("bridges", link),
    ...(isolated ? [] : [element("within", link, link)]),
    ...(info.internal ? [element("internal", link)] : []),
    ...(info.internal || !masquerade ? [] : [element("hidden", link)]),
    ...answers.flatMap((answer) => answerElements(answer, link)),
  ];
}

/** Where questions for names go, and that they get there whatever else an endpoint may talk to. */
function answerElements({ address, protocol, port }: AnswerPort, link: string): readonly RuleElement[] {
  const { version } = parseIpAddress(address);
  return [
    { set: `answers${version}`, key: [link, address, protocol, port], link },
    { set: `questions${version}`, key: [link, address, protocol, DNS_PORT], value: [address, port], link },
  ];
}

const DNS_PORT = 53;

/** Stands for the host where elements tell whose they are: no interface can have that name. */
export const HOST_LINK = "/";

/** Of an interface of others that packets are not forwarded from. */
export function closedElement({ version, link }: { readonly version: 4 | 6; readonly link: string }): RuleElement {
  return { set: `closed${version}`, key: [link], link: HOST_LINK };
}

/** What there is of every endpoint, whatever ports it publishes. */
export function ownElements(record: EndpointRecord): readonly RuleElement[] {
  const { endpoint, link } = record;
  const itself = ([4, 6] as const).flatMap((version): readonly RuleElement[] => {
    const own = addressOf(endpoint.addresses, version);
    return own === undefined ? [] : [{ set: `itself${version}`, key: [own, own], link }];
  });
  return [...itself, ...egressElements(record)];
}

/** From each port of the host to the endpoint's. */
export function portElements(
  { addresses }: Pick<Endpoint, "addresses">,
  port: Required<PublishedPort>,
  link: string,
): readonly RuleElement[] {
  const { version } = parseIpAddress(port.hostAddress);
  const target = addressOf(addresses, version);
  if (target === undefined) return [];
  const everywhere = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
  return Array.from({ length: port.count }, (_, index): RuleElement => {
    const service = [port.protocol, port.hostPort + index] as const;
    return {
      set: `${everywhere ? "everywhere" : "published"}${version}`,
      key: everywhere ? service : [port.hostAddress, ...service],
      value: [target, port.containerPort + index],
      link,
    };
  });
}

/** Without its prefix length. */
export function addressOf(addresses: readonly string[], version: 4 | 6): string | undefined {
  return addresses.find((each) => parseIpPrefix(each).version === version)?.split("/", 1)[0];
}

export function egressElements(record: EndpointRecord): readonly RuleElement[] {
  const { endpoint, link, found = [] } = record;
  const { egress, addresses } = endpoint;
  if (egress === "all") return [];
  const limits = ([4, 6] as const).flatMap((version): readonly RuleElement[] => {
    const own = addressOf(addresses, version);
    if (own === undefined) return [];
    const rules = egress.allow.filter((rule) => !isNameRule(rule) && parseIpPrefix(rule.to).version === version);
    return [
      { set: `limited${version}`, key: [own], link },
      { set: `sources${version}`, key: [link, own], link },
      ...rules.map((rule) => allowedElement(own, version, rule, link)),
    ];
  });
  return [{ set: "checked", key: [link], link }, ...limits, ...foundElements(record, found)];
}

/** What lets out to addresses that were found, as long as they are valid; each element once, with the longest time. */
export function foundElements(
  { endpoint: { egress, addresses }, link }: EndpointRecord,
  found: readonly FoundAddress[],
): readonly RuleElement[] {
  if (egress === "all") return [];
  const nowMs = Date.now();
  const byKey = new Map<string, RuleElement>();
  for (const { name, address, untilMs } of found.toSorted((a, b) => a.untilMs - b.untilMs)) {
    const { version } = parseIpAddress(address);
    const own = addressOf(addresses, version);
    if (untilMs <= nowMs || own === undefined) continue;
    const services = servicesOf(egress.allow, name);
    const keys: readonly (readonly [SetName, Key])[] =
      services === "all"
        ? [[`found${version}`, [own, address]]]
        : services.map(({ protocol, ports }) => [
            `foundServices${version}`,
            [own, address, protocol, interval(ports[0], ports[1])],
          ]);
    for (const [set, key] of keys)
      byKey.set(JSON.stringify([set, key]), { set, key, timeoutMs: untilMs - nowMs, link });
  }
  return [...byKey.values()];
}

function allowedElement(own: string, version: 4 | 6, { to, protocol, ports }: EgressRule, link: string): RuleElement {
  const prefix = networkOf(parseIpPrefix(to));
  const target = interval(formatIpAddress(prefix.bytes), formatIpAddress(lastAddressOf(prefix).bytes));
  if (protocol === undefined) return { set: `reach${version}`, key: [own, target], link };
  const [first, last] = ports ?? [0, 65_535];
  return { set: `services${version}`, key: [own, target, protocol, interval(first, last)], link };
}

/** As the kernel's answers are read. */
function interval<T extends string | number>(from: T, to: T): Key[number] {
  return from === to ? from : { from, to };
}
