import { type Endpoint, OrlopError } from "@orlop/core";
import { formatIpAddress } from "@orlop/kernel/netlink";
import { isFoundAllowed, isNamed, isNameRule } from "../egress/name-rules.ts";
import type { MessageOrigin } from "./answer-sockets.ts";
import {
  answerMaxBytes,
  DNS_CLASS_IN,
  DNS_CODES,
  DNS_TYPES,
  type DnsCode,
  type DnsQuery,
  type DnsResponse,
  decodeQuery,
  encodeAnswer,
  encodeRefusal,
  withId,
} from "./dns-message.ts";
import { decodeName, nameText } from "./dns-name.ts";
import type { Client, NameTable } from "./name-table.ts";
import type { Upstream } from "./upstream.ts";

/** Questions that others are asked at once: of all clients, and of one. */
const PENDING_MAX = 1024;
const CLIENT_PENDING_MAX = 128;
/** A name and what it stands for in one step after the other. */
const ALIASES_MAX = 16;
const STREAM_MAX_BYTES = 65_535;

/** An address that a name stands for. */
export interface NamedAddress {
  readonly address: string;
  readonly ttlSeconds: number;
}

interface AnswererOptions {
  /** As it is now; with `isFresh`, however long it takes. */
  readonly table: (isFresh: boolean) => NameTable;
  readonly upstream: Pick<Upstream, "ask">;
  /** Resolves when the endpoint may talk to them. */
  readonly letOut: (endpoint: Endpoint, name: string, addresses: readonly NamedAddress[]) => Promise<void>;
}

/** Answers questions of one network after the other: who asks decides what is known, and what may be asked at all. */
export class Answerer {
  readonly #options: AnswererOptions;
  readonly #pending = new Map<string, number>();
  #pendingCount = 0;

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** Undefined: nothing is said. */
  async answer(network: string, message: Buffer, { source, transport }: MessageOrigin): Promise<Buffer | undefined> {
    const query = decodeQuery(message);
    const client = this.#client(network, source);
    if (query === undefined || client === undefined) return undefined;
    if ("code" in query) return encodeRefusal(query);
    const maxBytes = transport === "tcp" ? STREAM_MAX_BYTES : answerMaxBytes(query);
    const own = this.#options.table(false).answer(client, query.question);
    if (own !== undefined) return encodeAnswer(query, own, maxBytes);
    const say = (code: DnsCode): Buffer => encodeAnswer(query, { code }, maxBytes);
    if (!mayAsk(client, query)) return say(DNS_CODES.REFUSED);
    if (!this.#take(source)) return transport === "udp" ? undefined : say(DNS_CODES.REFUSED);
    try {
      const { message: bytes, response } = await this.#options.upstream.ask(query, transport);
      await this.#letOut(client, response);
      if (bytes.length <= maxBytes) return withId(bytes, query.id);
      return encodeAnswer(query, { code: DNS_CODES.NOERROR }, 0);
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      return say(DNS_CODES.SERVFAIL);
    } finally {
      this.#release(source);
    }
  }

  /** Who has been connected just now may not be in the table yet. */
  #client(network: string, source: string): Client | undefined {
    const known = this.#options.table(false).client(network, source);
    return known === undefined || known.endpoints.length > 0
      ? known
      : this.#options.table(true).client(network, source);
  }

  async #letOut({ endpoints }: Client, response: DnsResponse): Promise<void> {
    const name = nameText(response.question.name);
    const addresses = addressesOf(response).filter(({ address }) => isFoundAllowed(address));
    if (name === undefined || addresses.length === 0) return;
    for (const endpoint of endpoints) {
      const { egress } = endpoint;
      if (egress !== "all" && allowsName(endpoint, name)) await this.#options.letOut(endpoint, name, addresses);
    }
  }

  #take(source: string): boolean {
    const own = this.#pending.get(source) ?? 0;
    if (own >= CLIENT_PENDING_MAX || this.#pendingCount >= PENDING_MAX) return false;
    this.#pending.set(source, own + 1);
    this.#pendingCount += 1;
    return true;
  }

  #release(source: string): void {
    const own = this.#pending.get(source) ?? 0;
    if (own <= 1) this.#pending.delete(source);
    else this.#pending.set(source, own - 1);
    this.#pendingCount -= 1;
  }
}

/** Whether the host's servers may be asked: what leaves a machine as a question leaves it, too. */
function mayAsk({ networks, endpoints }: Client, { question }: DnsQuery): boolean {
  const { type } = question;
  const isWhole = type === DNS_TYPES.ANY || type === DNS_TYPES.AXFR || type === DNS_TYPES.IXFR;
  if (endpoints.length === 0 || isWhole || question.class !== DNS_CLASS_IN) return false;
  if (networks.every(({ internal }) => internal)) return false;
  const name = nameText(question.name);
  return endpoints.every((endpoint) => name !== undefined && allowsName(endpoint, name)) || endpoints.every(isFree);
}

function isFree({ egress }: Endpoint): boolean {
  return egress === "all";
}

function allowsName({ egress }: Endpoint, name: string): boolean {
  return egress === "all" || egress.allow.some((rule) => isNameRule(rule) && isNamed(rule, name));
}

/** Of the name that was asked for, and of what it is another name for; what else is in an answer does not count. */
export function addressesOf({ question, answers }: DnsResponse): readonly NamedAddress[] {
  const key = (name: readonly string[]): string => JSON.stringify(name).toLowerCase();
  const names = new Set([key(question.name)]);
  for (let steps = 0; steps < ALIASES_MAX; steps++) {
    const aliases = answers.filter(({ type, name }) => type === DNS_TYPES.CNAME && names.has(key(name)));
    const before = names.size;
    for (const { data } of aliases) names.add(key(decodeName(data, 0).name));
    if (names.size === before) break;
  }
  return answers.flatMap(({ name, type, data, ttlSeconds }) => {
    const size = type === DNS_TYPES.A ? 4 : type === DNS_TYPES.AAAA ? 16 : undefined;
    if (data.length !== size || !names.has(key(name))) return [];
    return [{ address: formatIpAddress(data), ttlSeconds }];
  });
}
