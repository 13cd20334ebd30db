import type { Socket as DatagramSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint, NameServer } from "@orlop/core";
import { AnswerSockets } from "../names/answer-sockets.ts";
import { Answerer, type NamedAddress } from "../names/answerer.ts";
import { DNS_CLASS_IN, DNS_TYPES, encodeQuery } from "../names/dns-message.ts";
import type { NameSockets } from "../names/name-sockets.ts";
import { NameTable } from "../names/name-table.ts";
import { Upstream } from "../names/upstream.ts";
import type { AnswerPort, EndpointRecord, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { letOutTo, type OnSide } from "./let-out.ts";
import { isServed } from "./served-names.ts";

/** Somebody may change the records without this process hearing of it, and an address may not be there yet. */
const LOOK_EVERY_MS = 2000;
/** A table is made anew for a question at most this often, as long as the question comes from somebody it knows. */
const TABLE_MAX_AGE_MS = 100;
/** How often it is asked whether there is an answer. */
const TRY_EVERY_MS = 20;

interface BridgeNamesOptions {
  readonly records: NetworkRecords;
  readonly onSide: OnSide;
  readonly resolvers: () => readonly string[];
  readonly sockets: NameSockets;
}

/** The server for names of bridges, on the gateways of those networks that have one (docs/decisions/0022). */
export class BridgeNames implements NameServer {
  readonly #records: NetworkRecords;
  readonly #onSide: OnSide;
  readonly #nameSockets: NameSockets;
  readonly #answerer: Answerer;
  readonly #sockets = new Map<string, AnswerSockets>();
  #table = new NameTable([], []);
  #tableVersion: string | undefined;
  #tableMadeMs = 0;

  constructor({ records, onSide, resolvers, sockets }: BridgeNamesOptions) {
    this.#nameSockets = sockets;
    this.#records = records;
    this.#onSide = onSide;
    this.#answerer = new Answerer({
      table: (isFresh) => this.#currentTable(isFresh),
      upstream: new Upstream({ servers: resolvers }),
      letOut: (endpoint, name, addresses) => this.#letOut(endpoint, name, addresses),
    });
  }

  isNeeded(): boolean {
    return this.#served().length > 0;
  }

  async serve(watch: (onChange: () => void) => Disposable, signal: AbortSignal): Promise<void> {
    let wake = Promise.withResolvers<void>();
    const look = (): void => wake.resolve();
    using _watcher = watch(look);
    const timer = setInterval(look, LOOK_EVERY_MS);
    signal.addEventListener("abort", look);
    try {
      while (!signal.aborted) {
        const served = this.#served();
        await this.#settle(served);
        if (served.length === 0) return;
        await wake.promise;
        wake = Promise.withResolvers();
      }
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", look);
      await this.#settle([]);
    }
  }

  async isAnswered(network: string, endpoint: string, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const record = this.#records.network(network);
      const known = record && this.#records.endpoint(record.info.id, endpoint);
      if (record === undefined || known === undefined || !isServed(record.info, known.endpoint)) return true;
      const port = record.answers?.find(({ protocol }) => protocol === "udp");
      if (port === undefined) await delay(TRY_EVERY_MS);
      else if (await this.#answers(port)) return true;
    }
    return false;
  }

  /** Whether somebody answers there, soon. */
  async #answers({ address, port }: AnswerPort): Promise<boolean> {
    const socket = await this.#nameSockets.client(address.includes(":") ? 6 : 4);
    try {
      return await answers(socket, address, port);
    } finally {
      socket.close();
    }
  }

  /** Networks with an endpoint that names are answered for. */
  #served(): readonly NetworkRecord[] {
    const endpoints = this.#records.endpoints().filter(isMade);
    return this.#records
      .networks()
      .filter(({ info }) => endpoints.some(({ endpoint }) => endpoint.network === info.id && isServed(info, endpoint)));
  }

  /** Has sockets on the gateways of these networks and of no others, and the rules say so. */
  async #settle(served: readonly NetworkRecord[]): Promise<void> {
    this.#currentTable(true);
    const wanted = new Map(
      served.flatMap((network) =>
        network.info.subnets.map(({ gateway }) => [this.#placeOf(network, gateway), { network, gateway }] as const),
      ),
    );
    for (const [place, sockets] of this.#sockets) {
      if (wanted.has(place)) continue;
      this.#sockets.delete(place);
      await sockets[Symbol.asyncDispose]();
    }
    for (const [place, { network, gateway }] of wanted) {
      if (!this.#sockets.has(place)) await this.#open(network, gateway);
    }
    for (const network of this.#records.networks()) await this.#tell(network);
  }

  async #open(network: NetworkRecord, address: string): Promise<void> {
    const { info, answers = [] } = network;
    const last = (protocol: "udp" | "tcp"): { readonly [P in "udp" | "tcp"]?: number } => {
      const known = answers.find((each) => each.address === address && each.protocol === protocol);
      return known === undefined ? {} : { [protocol]: known.port };
    };
    try {
      const opened = await this.#nameSockets.open(address, { ...last("udp"), ...last("tcp") });
      const sockets = new AnswerSockets(address, opened, (message, from) =>
        this.#answerer.answer(info.id, message, from),
      );
      this.#sockets.set(this.#placeOf(network, address), sockets);
    } catch {
      // The address is not there, or not yet; it is looked for again.
    }
  }

  /** Writes down where the names of a network are answered, and has the rules lead there. */
  async #tell(network: NetworkRecord): Promise<void> {
    const answers = network.info.subnets.flatMap(({ gateway }): readonly AnswerPort[] => {
      const ports = this.#sockets.get(this.#placeOf(network, gateway))?.ports;
      if (ports === undefined) return [];
      return (["udp", "tcp"] as const).map((protocol) => ({ address: gateway, protocol, port: ports[protocol] }));
    });
    if (JSON.stringify(answers) === JSON.stringify(network.answers ?? [])) return;
    const { answers: _, ...without } = network;
    const changed = answers.length === 0 ? without : { ...network, answers };
    this.#records.transaction(() => this.#records.updateNetwork(changed));
    await this.#onSide((side) => side.changeAnswers(network, changed));
    // Who has removed the network meanwhile may have looked at the rules before.
    if (this.#records.network(network.info.id) !== undefined) return;
    await this.#onSide((side) => side.removeNetwork(changed));
  }

  #currentTable(isFresh: boolean): NameTable {
    const version = this.#records.version();
    const isOld = performance.now() - this.#tableMadeMs >= TABLE_MAX_AGE_MS;
    if (version !== this.#tableVersion && (isFresh || isOld)) {
      const endpoints = this.#records.endpoints().filter(isMade);
      this.#table = new NameTable(
        this.#records.networks().map(({ info }) => info),
        endpoints.map(({ endpoint }) => endpoint),
      );
      [this.#tableVersion, this.#tableMadeMs] = [version, performance.now()];
    }
    return this.#table;
  }

  /** Two networks have the same gateway one after the other, and two hosts the same network. */
  #placeOf({ info }: NetworkRecord, gateway: string): string {
    return `${info.id} ${gateway} ${this.#nameSockets.identity()}`;
  }

  async #letOut({ network, id }: Endpoint, name: string, addresses: readonly NamedAddress[]): Promise<void> {
    await letOutTo(this.#records, this.#onSide, { network, id, name, addresses });
  }
}

function isMade({ state }: EndpointRecord): boolean {
  return state === "made";
}

async function answers(socket: DatagramSocket, address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("error", () => resolve(false));
  socket.on("message", () => resolve(true));
  const question = { name: ["orlop", "internal"], type: DNS_TYPES.SOA, class: DNS_CLASS_IN };
  socket.on("connect", () => socket.send(encodeQuery({ id: 0, question })));
  socket.connect(port, address);
  return await Promise.race([promise, delay(TRY_EVERY_MS, false)]);
}
