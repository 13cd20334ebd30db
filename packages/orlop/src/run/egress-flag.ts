import { isIP } from "node:net";
import { type EgressPolicy, type EgressRule, OrlopError, PORT_PROTOCOLS } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** The policy that all `--egress` of a command line make together; undefined where there is none. @throws OrlopError `invalid` */
export function readEgress(flags: ParsedFlags): EgressPolicy | undefined {
  const words = flags.parseAll("egress", parseEgress);
  if (words.length === 0) return undefined;
  if (words.length > 1 && words.some((word) => typeof word === "string")) {
    throw new OrlopError("invalid", "conflicting options: --egress all and --egress none stand alone");
  }
  const [first] = words;
  if (first === "all") return first;
  return { allow: words.filter((word) => typeof word !== "string") };
}

const PORT_MAX = 65_535;
const NAME = /^(\*\.)?[\w-]+(\.[\w-]+)*\.?$/;

/**
 * `none`, `all`, or `TO[:PORT[-PORT]][/PROTOCOL]`: an address, a prefix or a name, where IPv6 with ports stands in brackets.
 * Ports are TCP's unless another protocol is said; without ports and protocol it is everything.
 *
 * @throws OrlopError `invalid`
 */
export function parseEgress(text: string): "all" | "none" | EgressRule {
  if (text === "all" || text === "none") return text;
  const invalid = (what: string): OrlopError =>
    new OrlopError("invalid", `invalid egress ${JSON.stringify(text)}: ${what}`);
  const [, inBrackets, outside = "", first, last = first, protocol] =
    /^(?:\[([^\]]+)\]|([^[\]]*?))(?::(\d{1,5})(?:-(\d{1,5}))?)?(?:\/([a-z]+))?$/.exec(alone(text)) ?? [];
  const to = inBrackets ?? outside;
  if (to === "" || (inBrackets === undefined && to.includes(":")))
    throw invalid("it is none, all, or TO[:PORT[-PORT]][/PROTOCOL]");
  if (isIP(to.split("/", 1)[0] ?? "") === 0 && !NAME.test(to)) {
    throw invalid(`${JSON.stringify(to)} is neither an address nor a prefix nor a name`);
  }
  if (first === undefined && protocol === undefined) return { to };
  const known = PORT_PROTOCOLS.find((each) => each === (protocol ?? "tcp"));
  if (known === undefined) throw invalid(`the protocols are ${PORT_PROTOCOLS.join(", ")}`);
  if (first === undefined) return { to, protocol: known };
  const ports = [Number(first), Number(last)] as const;
  if (ports[0] < 1 || ports[1] > PORT_MAX) throw invalid(`ports are numbers from 1 to ${PORT_MAX}`);
  if (ports[1] < ports[0]) throw invalid(`${first}-${last} is no range`);
  return { to, protocol: known, ports };
}

/** An address or a prefix of IPv6 without brackets has no ports: each of its colons is its own. */
function alone(text: string): string {
  const [, address = "", rest = ""] = /^([\da-fA-F:]*:[\da-fA-F:.]*(?:\/\d+)?)(\/[a-z]+)?$/.exec(text) ?? [];
  return (address.match(/:/g) ?? []).length > 1 ? `[${address}]${rest}` : text;
}

/** The words that {@link readEgress} makes the policy of. */
export function egressWords(policy: EgressPolicy): readonly string[] {
  if (policy === "all") return ["all"];
  if (policy.allow.length === 0) return ["none"];
  return policy.allow.map(({ to, protocol, ports }) => {
    if (protocol === undefined) return to;
    const place = to.includes(":") && ports !== undefined ? `[${to}]` : to;
    const [first, last] = ports ?? [];
    const range = first === undefined ? "" : `:${first === last ? first : `${first}-${last}`}`;
    return `${place}${range}/${protocol}`;
  });
}
