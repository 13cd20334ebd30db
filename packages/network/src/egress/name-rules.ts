import { isIP } from "node:net";
import { type EgressRule, OrlopError, PORT_PROTOCOLS, type PortProtocol } from "@orlop/core";
import { parseIpAddress } from "@orlop/kernel/netlink";
import type { FoundAddress } from "../records/network-records.ts";

const WILDCARD = "*.";
/** RFC 1035, section 2.3.4, without the length of the first label and the end. */
const NAME_MAX = 253;

/** Whether a rule is about a name of DNS, and not about an address or a prefix. */
export function isNameRule({ to }: EgressRule): boolean {
  return isIP(to.split("/", 1)[0] ?? "") === 0;
}

/** In small letters and without a dot at the end. @throws OrlopError `invalid` for what no name of DNS is */
export function normalName(to: string): string {
  const name = to.toLowerCase().replace(/\.$/, "");
  const labels = (name.startsWith(WILDCARD) ? name.slice(WILDCARD.length) : name).split(".");
  const isGood = labels.every((label) => /^[\w-]{1,63}$/.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
  if (isGood && name.length <= NAME_MAX) return name;
  throw new OrlopError("invalid", `Cannot allow egress to "${to}": it is neither an address nor a prefix nor a name`);
}

/** Whether a name, in small letters, is one that the rule is about. */
export function isNamed({ to }: EgressRule, name: string): boolean {
  return to.startsWith(WILDCARD) ? name.endsWith(to.slice(1)) : name === to;
}

/** Addresses that a rule of a name must not lead to, whatever the name's owner says: this machine's own, and groups. */
export function isFoundAllowed(address: string): boolean {
  const { version, bytes } = parseIpAddress(address);
  const [first = 0, second = 0] = bytes;
  if (version === 4) return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
  const isLinkLocal = first === 0xfe && (second & 0xc0) === 0x80;
  // ::, ::1 and what stands for IPv4 in it begin with ten bytes of zero.
  return first !== 0xff && !isLinkLocal && bytes.subarray(0, 10).some((byte) => byte !== 0);
}

/** The same policy with the addresses that its names have stood for. */
export function withFound(rules: readonly EgressRule[], found: readonly FoundAddress[]): readonly EgressRule[] {
  return rules.flatMap((rule): readonly EgressRule[] => {
    if (!isNameRule(rule)) return [rule];
    return found.filter(({ name }) => isNamed(rule, name)).map(({ address }) => ({ ...rule, to: address }));
  });
}

const PORT_MAX = 65_535;
type Range = readonly [first: number, last: number];

/** What a name is let out to: everything, or ranges of ports, none of which overlaps with those of any other name. */
export function servicesOf(
  rules: readonly EgressRule[],
  name: string,
): "all" | readonly { readonly protocol: PortProtocol; readonly ports: Range }[] {
  const byName = rules.filter(isNameRule);
  const own = byName.filter((rule) => isNamed(rule, name));
  if (own.some(({ protocol }) => protocol === undefined)) return "all";
  return PORT_PROTOCOLS.flatMap((protocol) => {
    const rangesOf = (some: readonly EgressRule[]): readonly Range[] =>
      some.filter((rule) => rule.protocol === protocol).map(({ ports }) => ports ?? [0, PORT_MAX]);
    const allowed = rangesOf(own);
    // Cut wherever any rule begins or ends: several names may stand for one address, and the kernel wants no overlaps.
    const begins = [...new Set(rangesOf(byName).flatMap(([first, last]) => [first, last + 1]))].sort((a, b) => a - b);
    return begins.flatMap((first, index) => {
      const last = (begins[index + 1] ?? first) - 1;
      const isIn = allowed.some((range) => range[0] <= first && last <= range[1]);
      return last >= first && isIn ? [{ protocol, ports: [first, last] as const }] : [];
    });
  });
}
