import { type EgressPolicy, OrlopError } from "@orlop/core";
import { isNameRule, normalName, servicesOf } from "../egress/name-rules.ts";

/** A server that a secret is for. */
export interface SecretHost {
  readonly scheme: "https" | "http";
  /** In small letters. */
  readonly name: string;
  readonly port: number;
}

const PORTS: Readonly<Record<string, number>> = { https: 443, http: 80 };
const PORT_MAX = 65_535;

/**
 * `[https://|http://]NAME[:PORT]`, https unless it says otherwise.
 *
 * @throws OrlopError `invalid`
 */
export function parseSecretHost(text: string): SecretHost {
  const cannot = (what: string): OrlopError => new OrlopError("invalid", `Cannot use host "${text}": ${what}`);
  const parts = /^(?:(https?):\/\/)?([^:/]+)(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) throw cannot("it is [http://]NAME[:PORT]");
  const [, scheme = "https", given = "", digits] = parts;
  if (given.startsWith("*.")) throw cannot("each name is given in full, and * stands for none");
  const name = nameOf(given, cannot);
  const port = Number(digits ?? PORTS[scheme]);
  if (port < 1 || port > PORT_MAX) throw cannot(`ports are 1 to ${PORT_MAX}`);
  return { scheme: scheme === "http" ? "http" : "https", name, port };
}

function nameOf(given: string, cannot: (what: string) => OrlopError): string {
  try {
    return normalName(given);
  } catch {
    throw cannot("it is no name of DNS, which is what certificates are for");
  }
}

export function isSameHost(a: SecretHost, b: SecretHost): boolean {
  return a.scheme === b.scheme && a.name === b.name && a.port === b.port;
}

/** As it was given, at its shortest. */
export function hostText({ scheme, name, port }: SecretHost): string {
  return `${scheme === "http" ? "http://" : ""}${authorityOf({ scheme, name, port })}`;
}

/** As the field Host has it (RFC 9110, section 7.2). */
export function authorityOf({ scheme, name, port }: SecretHost): string {
  return port === PORTS[scheme] ? name : `${name}:${port}`;
}

/** Whether a policy lets out to that name and port; what its addresses say does not count. */
export function isHostAllowed(policy: EgressPolicy, { name, port }: SecretHost): boolean {
  if (policy === "all") return true;
  const services = servicesOf(policy.allow.filter(isNameRule), name);
  return (
    services === "all" ||
    services.some(({ protocol, ports }) => protocol === "tcp" && ports[0] <= port && port <= ports[1])
  );
}
