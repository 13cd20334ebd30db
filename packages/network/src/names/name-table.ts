import type { Endpoint, NetworkInfo } from "@orlop/core";
import { formatIpAddress, parseIpAddress, parseIpPrefix, prefixContains } from "@orlop/kernel/netlink";
import { DNS_CLASS_IN, DNS_CODES, DNS_TYPES, type DnsAnswer, type DnsQuestion, type DnsRecord } from "./dns-message.ts";
import { type DnsName, encodeName, nameText } from "./dns-name.ts";

/** All that is below it is ours: nobody else has it (RFC 9476 and ICANN's resolution of 2024 about `internal`). */
const OWN_DOMAIN = "orlop.internal";

/** So that whoever keeps answers hears of changes within a second. */
const TTL_SECONDS = 1;

/** Who asks, by the address that the question came from. */
export interface Client {
  /** Networks that it is on, the one that it asks by first. */
  readonly networks: readonly NetworkInfo[];
  /** None: it is the host itself, or nobody that is known. */
  readonly endpoints: readonly Endpoint[];
}

interface Address {
  readonly version: 4 | 6;
  readonly bytes: Uint8Array;
}

/** What of a network can be asked for. */
interface Names {
  readonly info: NetworkInfo;
  readonly byName: ReadonlyMap<string, readonly Address[]>;
  readonly byAddress: ReadonlyMap<string, Endpoint>;
}

/** The names of all networks at one moment. */
export class NameTable {
  readonly #networks: ReadonlyMap<string, Names>;
  readonly #endpoints: ReadonlyMap<string, readonly Endpoint[]>;

  constructor(networks: readonly NetworkInfo[], endpoints: readonly Endpoint[]) {
    const byNetwork = Map.groupBy(endpoints, ({ network }) => network);
    this.#networks = new Map(networks.map((info) => [info.id, namesOf(info, byNetwork.get(info.id) ?? [])]));
    this.#endpoints = Map.groupBy(endpoints, ({ id }) => id);
  }

  /** Undefined for a question from somewhere else than from the network. */
  client(network: string, source: string): Client | undefined {
    const names = this.#networks.get(network);
    const address = parseIpAddress(source);
    if (!names?.info.subnets.some(({ prefix }) => prefixContains(parseIpPrefix(prefix), address))) return undefined;
    const asking = names.byAddress.get(formatIpAddress(address.bytes));
    const all = asking === undefined ? [] : (this.#endpoints.get(asking.id) ?? []);
    const endpoints = [...all].sort((a, b) => Number(b.network === network) - Number(a.network === network));
    const others = endpoints.flatMap((endpoint) => this.#networks.get(endpoint.network)?.info ?? []);
    return { networks: asking === undefined ? [names.info] : others, endpoints };
  }

  /** What is known of it here; undefined for what others know. */
  answer({ networks }: Client, question: DnsQuestion): DnsAnswer | undefined {
    const text = nameText(question.name);
    if (text === undefined || question.class !== DNS_CLASS_IN) return undefined;
    const address = addressOfReverse(text);
    if (address !== undefined) return this.#reverseAnswer(networks, address, question);
    const found = this.#find(networks, text);
    if (found === undefined) {
      const isOurs = text === OWN_DOMAIN || text.endsWith(`.${OWN_DOMAIN}`);
      return isOurs ? { ...negative(DNS_CODES.NXDOMAIN), authoritative: true } : undefined;
    }
    const version = question.type === DNS_TYPES.A ? 4 : question.type === DNS_TYPES.AAAA ? 6 : undefined;
    const wanted = found.filter((each) => each.version === version);
    if (wanted.length === 0) return negative(DNS_CODES.NOERROR);
    const answers = wanted.map(({ bytes }) => record(question.name, question.type, Buffer.from(bytes)));
    return { code: DNS_CODES.NOERROR, authoritative: true, answers };
  }

  /** `db`, `db.NETWORK` as docker has it, and `db.NETWORK.orlop.internal`. */
  #find(networks: readonly NetworkInfo[], text: string): readonly Address[] | undefined {
    const found = networks.flatMap(({ id, name }) => {
      const suffixes = ["", `.${name}`, `.${name}.${OWN_DOMAIN}`].map((suffix) => suffix.toLowerCase());
      const { byName } = this.#networks.get(id) ?? {};
      return suffixes.flatMap((suffix) =>
        text.endsWith(suffix) ? [byName?.get(text.slice(0, text.length - suffix.length))] : [],
      );
    });
    const known = found.filter((addresses) => addresses !== undefined);
    return known.length === 0 ? undefined : known.flat();
  }

  #reverseAnswer(networks: readonly NetworkInfo[], address: Address, question: DnsQuestion): DnsAnswer | undefined {
    const text = formatIpAddress(address.bytes);
    for (const { id, name, subnets } of networks) {
      if (!subnets.some(({ prefix }) => prefixContains(parseIpPrefix(prefix), address))) continue;
      const [first] = this.#networks.get(id)?.byAddress.get(text)?.names ?? [];
      if (first === undefined) return negative(DNS_CODES.NXDOMAIN);
      if (question.type !== DNS_TYPES.PTR) return negative(DNS_CODES.NOERROR);
      const data = encodeName(`${first}.${name}`.split("."));
      return { code: DNS_CODES.NOERROR, authoritative: true, answers: [record(question.name, DNS_TYPES.PTR, data)] };
    }
    return undefined;
  }
}

function namesOf(info: NetworkInfo, endpoints: readonly Endpoint[]): Names {
  const byName = new Map<string, Address[]>();
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const addresses = endpoint.addresses.map((each) => parseIpPrefix(each));
    for (const { bytes } of addresses) byAddress.set(formatIpAddress(bytes), endpoint);
    for (const name of new Set(endpoint.names.map((each) => each.toLowerCase()))) {
      byName.set(name, [...(byName.get(name) ?? []), ...addresses]);
    }
  }
  return { info, byName, byAddress };
}

function record(name: DnsName, type: number, data: Buffer): DnsRecord {
  return { name, type, ttlSeconds: TTL_SECONDS, data };
}

/** RFC 2308, section 3: who keeps it may keep it for so long. */
function negative(code: 0 | 3): DnsAnswer {
  const domain = OWN_DOMAIN.split(".");
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [1, 3600, 600, 86_400, TTL_SECONDS].entries()) numbers.writeUInt32BE(value, index * 4);
  const data = Buffer.concat([encodeName(domain), encodeName(["nobody", ...domain]), numbers]);
  return { code, authoritative: true, authority: [record(domain, DNS_TYPES.SOA, data)] };
}

/** `2.0.30.172.in-addr.arpa`, and of IPv6 the digits backwards below `ip6.arpa`. */
function addressOfReverse(text: string): Address | undefined {
  const [, four] = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(text) ?? [];
  if (four !== undefined) {
    const bytes = four.slice(0, -1).split(".").reverse().map(Number);
    return bytes.every((byte) => byte <= 255) ? { version: 4, bytes: Uint8Array.from(bytes) } : undefined;
  }
  const [, six] = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(text) ?? [];
  if (six === undefined) return undefined;
  const digits = six.slice(0, -1).split(".").reverse().join("");
  return { version: 6, bytes: Uint8Array.from(Buffer.from(digits, "hex")) };
}
