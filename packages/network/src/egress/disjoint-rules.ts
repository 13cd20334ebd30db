import { type EgressPolicy, type EgressRule, OrlopError, PORT_PROTOCOLS, type PortProtocol } from "@orlop/core";
import { formatIpPrefix, type IpPrefix, networkOf, parseIpPrefix, prefixContains } from "@orlop/kernel/netlink";
import { isNameRule, normalName } from "./name-rules.ts";

/** Of one endpoint, when what overlaps has been put together. */
const EGRESS_RULES_MAX = 1024;

const PORT_MAX = 65_535;

type Range = readonly [first: number, last: number];

/** What is allowed for one prefix: every protocol, or ranges of ports of some. */
interface Allowed {
  readonly to: string;
  readonly prefix: IpPrefix;
  all: boolean;
  readonly ranges: Map<PortProtocol, Range[]>;
}

/**
 * The same policy in rules that do not overlap, as the kernel wants them, in one order for all that mean the same.
 *
 * @throws OrlopError `invalid`, `exhausted`
 */
export function disjointPolicy(policy: EgressPolicy): EgressPolicy {
  if (policy === "all") return policy;
  const byPrefix = new Map<string, Allowed>();
  const byName = new Map<string, Allowed>();
  for (const rule of policy.allow) {
    if (isNameRule(rule)) addRule(byName, rule, normalName(rule.to), NO_PREFIX);
    else addAddressRule(byPrefix, rule);
  }
  const all = [...byPrefix.values()];
  const allow = [
    ...all.flatMap((each) => rulesOf(each, all)),
    ...[...byName.values()].flatMap((each) => rulesOf(each, [])),
  ].sort(compareRules);
  if (allow.length > EGRESS_RULES_MAX) {
    const most = `EGRESS_RULES_MAX, ${EGRESS_RULES_MAX}`;
    throw new OrlopError(
      "exhausted",
      `Cannot set an egress policy of ${allow.length} rules: there are at most ${most}`,
    );
  }
  return { allow };
}

/** Of a name: what addresses it stands for, nobody knows yet. */
const NO_PREFIX: IpPrefix = { version: 4, bytes: new Uint8Array(4), prefixLength: 32 };

function addAddressRule(byPrefix: Map<string, Allowed>, rule: EgressRule): void {
  const prefix = networkOf(parseIpPrefix(rule.to));
  addRule(byPrefix, rule, formatIpPrefix(prefix), prefix);
}

function addRule(known: Map<string, Allowed>, rule: EgressRule, to: string, prefix: IpPrefix): void {
  const cannot = (problem: string): OrlopError =>
    new OrlopError("invalid", `Cannot allow egress to "${rule.to}": ${problem}`);
  const allowed = known.get(to) ?? { to, prefix, all: false, ranges: new Map() };
  known.set(to, allowed);
  if (rule.protocol === undefined) {
    if (rule.ports !== undefined) throw cannot("there are ports, and no protocol that they are of");
    allowed.all = true;
    return;
  }
  if (!PORT_PROTOCOLS.includes(rule.protocol)) throw cannot(`the protocols are ${PORT_PROTOCOLS.join(", ")}`);
  const [first, last] = rule.ports ?? [0, PORT_MAX];
  if (![first, last].every((port) => Number.isInteger(port) && port >= 0 && port <= PORT_MAX) || first > last) {
    throw cannot(`ports ${first} to ${last} are no range of 0 to ${PORT_MAX}`);
  }
  const ranges = allowed.ranges.get(rule.protocol) ?? [];
  allowed.ranges.set(rule.protocol, [...ranges, [first, last]]);
}

/** What no prefix around it allows already. */
function rulesOf(own: Allowed, all: readonly Allowed[]): readonly EgressRule[] {
  const { to, prefix } = own;
  const around = all.filter(
    (each) => each !== own && each.prefix.prefixLength < prefix.prefixLength && prefixContains(each.prefix, prefix),
  );
  if (around.some((each) => each.all)) return [];
  if (own.all) return [{ to }];
  return [...own.ranges].flatMap(([protocol, ranges]) => {
    const covered = around.flatMap((each) => each.ranges.get(protocol) ?? []);
    return without(joined(ranges), joined(covered)).map((ports): EgressRule => ({ to, protocol, ports }));
  });
}

/** In order, with what touches put together. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const result: Range[] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before === undefined || first > before[1] + 1) result.push([first, last]);
    else result[result.length - 1] = [before[0], Math.max(before[1], last)];
  }
  return result;
}

function without(ranges: readonly Range[], covered: readonly Range[]): readonly Range[] {
  return covered.reduce<readonly Range[]>(
    (left, [first, last]) =>
      left.flatMap(([from, to]): Range[] => {
        if (last < from || first > to) return [[from, to]];
        return [...(from < first ? [[from, first - 1] as const] : []), ...(to > last ? [[last + 1, to] as const] : [])];
      }),
    ranges,
  );
}

function compareRules(a: EgressRule, b: EgressRule): number {
  const text = ({ to, protocol, ports = [0, 0] }: EgressRule): string =>
    `${to} ${protocol ?? ""} ${String(ports[0]).padStart(5)}`;
  return text(a) < text(b) ? -1 : 1;
}
