import { isIP } from "node:net";
import { type EgressRule, OrlopError, PORT_PROTOCOLS } from "@orlop/core";

const PORT_MAX = 65_535;
const FORM = /^(?:\[([^\]]+)\]|([^[\]]*?))(?::(\d{1,5})(?:-(\d{1,5}))?)?(?:\/([a-z]+))?$/;

/**
 * `ADDRESS[/PREFIX][:PORT[-PORT]][/PROTOCOL]`, an address of IPv6 with ports in brackets. Ports are TCP's unless another
 * protocol is said; without ports and protocol it is everything.
 *
 * @throws OrlopError `invalid`; `unsupported` for a name
 */
export function parseTarget(text: string): EgressRule {
  const cannot = (what: string): OrlopError =>
    new OrlopError("invalid", `Cannot allow ${JSON.stringify(text)}: ${what}`);
  const [, inBrackets, outside = "", first, last = first, protocol] = FORM.exec(alone(text)) ?? [];
  const to = inBrackets ?? outside;
  if (isIP(to.replace(/\/\d+$/, "")) === 0) throw noAddress(text, to, cannot);
  if (first === undefined && protocol === undefined) return { to };
  const known = PORT_PROTOCOLS.find((each) => each === (protocol ?? "tcp"));
  if (known === undefined) throw cannot(`the protocols are ${PORT_PROTOCOLS.join(", ")}`);
  if (first === undefined) return { to, protocol: known };
  const ports = [Number(first), Number(last)] as const;
  if (ports[0] < 1 || ports[1] > PORT_MAX || ports[1] < ports[0]) {
    throw cannot(`ports are a number, or two with a dash, from 1 to ${PORT_MAX}`);
  }
  return { to, protocol: known, ports };
}

/** An address or a prefix of IPv6 without brackets has no ports: each of its colons is its own. */
function alone(text: string): string {
  const [, address = "", rest = ""] = /^([\da-fA-F:]*:[\da-fA-F:.]*(?:\/\d+)?)(\/[a-z]+)?$/.exec(text) ?? [];
  return (address.match(/:/g) ?? []).length > 1 ? `[${address}]${rest}` : text;
}

function noAddress(text: string, to: string, cannot: (what: string) => OrlopError): OrlopError {
  if (!/^(\*\.)?[A-Za-z\d_-]+(\.[A-Za-z\d_-]+)*\.?$/.test(to)) {
    return cannot("it is ADDRESS[/PREFIX][:PORT[-PORT]][/PROTOCOL]");
  }
  const what = "it is a name, and only addresses can be allowed yet";
  return new OrlopError("unsupported", `Cannot allow ${JSON.stringify(text)}: ${what}\nTry its addresses.`);
}
