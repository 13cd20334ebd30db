import type { Duplex } from "node:stream";
import { OrlopError } from "@orlop/core";
import { errnoName } from "../../abi/errno.ts";
import { systemFailure } from "../../abi/system-failure.ts";
import { Zygote } from "../../zygote/zygote.ts";
import { NetlinkExchange } from "../exchange.ts";
import type { NetlinkRequest } from "../request.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../socket.ts";
import { RELAY_ANSWER, RELAY_OPERATIONS, RELAY_PATH_MAX_BYTES, RELAY_REQUEST } from "./relay-frames.ts";
import { relayProgram } from "./relay-program.ts";

/** A list that changes while the kernel gives it is asked for again, so many times. */
const DUMP_TRIES_MAX = 32;
/** One that is killed before anything was asked of it is started again, so many times. */
const STARTS_MAX = 4;

interface RelayRequest {
  readonly operation: keyof typeof RELAY_OPERATIONS;
  readonly namespace?: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly path?: string;
  readonly data?: Uint8Array;
}

interface RelayAnswer {
  /** Of the deciding call; a negative one is an errno. */
  readonly value: number;
  readonly chunks: readonly Buffer[];
}

interface Waiting {
  readonly resolve: (answer: RelayAnswer) => void;
  readonly reject: (error: OrlopError) => void;
  readonly chunks: Buffer[];
}

/**
 * A process of a few kilobytes that enters network namespaces for us, and does there what Node cannot.
 *
 * It lives until it is closed, or this process ends; while nothing is asked of it, it keeps nobody from ending. Whoever has
 * opened a namespace closes it; `home` is where the process of the relay began.
 */
export class NetworkRelay implements Disposable {
  readonly #zygote: Zygote;
  readonly #stream: Duplex & { ref?: () => void; unref?: () => void };
  readonly #waiting: Waiting[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #gone: OrlopError | undefined;
  #home: RelayNamespace;

  private constructor(zygote: Zygote) {
    this.#zygote = zygote;
    this.#stream = zygote.stream(0);
    this.#stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    // Its end is told by what follows.
    this.#stream.on("error", () => {});
    this.#stream.on("close", () => this.#end());
    zygote.become(relayProgram(zygote.architecture), ({ kind, index, value }) => {
      if (kind !== "failed") return;
      this.#gone ??= new OrlopError("internal", `Cannot use network relay: instruction ${index}: ${errnoName(value)}`);
    });
    zygote.unref();
    this.#stream.unref?.();
    this.#home = new RelayNamespace(this, 0);
  }

  /**
   * Starts one, at home in the namespace of this process or in the one at `path`.
   *
   * @param userNamespace path of the one that it enters before, and that owns all network namespaces that it is to enter or is
   *   an ancestor of their owners; absent: this process's
   */
  static async start(path = "/proc/self/ns/net", userNamespace?: string): Promise<NetworkRelay> {
    for (let starts = 1; ; starts++) {
      const relay = new NetworkRelay(Zygote.start({ streams: 1 }));
      try {
        if (userNamespace !== undefined) await relay.#enterUser(userNamespace);
        // By a descriptor of its own, to come back to from others.
        relay.#home = await relay.openNamespace(path);
        return relay;
      } catch (error) {
        const isLost = relay.isLost;
        relay.close();
        if (!isLost || starts === STARTS_MAX) throw error;
      }
    }
  }

  /** Its process has ended, and nobody has closed it: another relay can do what this one has not. */
  get isLost(): boolean {
    return this.#gone !== undefined && this.#gone.code !== "conflict";
  }

  /** Where it began. */
  get home(): RelayNamespace {
    return this.#home;
  }

  /** @throws OrlopError `not-found`, `denied` */
  async openNamespace(path: string): Promise<RelayNamespace> {
    const { value } = await this.ask({ operation: "openNamespace", path });
    if (value < 0) throw relayFailure(`open network namespace "${path}"`, value);
    return new RelayNamespace(this, value);
  }

  async #enterUser(path: string): Promise<void> {
    const { value } = await this.ask({ operation: "enterUser", path });
    if (value < 0) throw relayFailure(`enter user namespace "${path}"`, value);
  }

  /** One request at a time is carried out; they queue up. */
  async ask(request: RelayRequest): Promise<RelayAnswer> {
    if (this.#gone !== undefined) throw this.#gone;
    const frame = encodeRequest(request);
    if (this.#waiting.length === 0) this.#stream.ref?.();
    const answer = Promise.withResolvers<RelayAnswer>();
    this.#waiting.push({ resolve: answer.resolve, reject: answer.reject, chunks: [] });
    this.#stream.write(frame);
    return await answer.promise;
  }

  close(): void {
    this.#gone ??= new OrlopError("conflict", "Cannot use network relay: it is closed");
    this.#stream.destroy();
    this.#zygote.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(chunk: Buffer): void {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (data.length < RELAY_ANSWER.size) break;
      const length = data.readUInt32LE(RELAY_ANSWER.fields.dataBytes.offset);
      if (data.length < RELAY_ANSWER.size + length) break;
      this.#take(data.subarray(0, RELAY_ANSWER.size), data.subarray(RELAY_ANSWER.size, RELAY_ANSWER.size + length));
      data = data.subarray(RELAY_ANSWER.size + length);
    }
    this.#pending = data;
  }

  #take(header: Buffer, data: Buffer): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (header.readUInt32LE(RELAY_ANSWER.fields.more.offset) !== 0) {
      first.chunks.push(data);
      return;
    }
    this.#waiting.shift();
    if (this.#waiting.length === 0) this.#stream.unref?.();
    const value = Number(header.readBigInt64LE(RELAY_ANSWER.fields.value.offset));
    first.resolve({ value, chunks: first.chunks });
  }

  #end(): void {
    this.#gone ??= new OrlopError("failed", "Cannot use network relay: its process has ended");
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone);
  }
}

function encodeRequest({ operation, namespace = 0, a = 0, b = 0, c = 0, path, data }: RelayRequest): Buffer {
  const name = path === undefined ? Buffer.alloc(0) : Buffer.from(`${path}\0`);
  if (name.length > RELAY_PATH_MAX_BYTES || path?.includes("\0") === true) {
    throw new OrlopError("invalid", `Cannot open "${path}": it is no path of less than ${RELAY_PATH_MAX_BYTES} bytes`);
  }
  const header = Buffer.alloc(RELAY_REQUEST.size);
  const values = { operation: RELAY_OPERATIONS[operation], namespace, a, b, c };
  const lengths = { pathBytes: name.length, dataBytes: data?.length ?? 0 };
  for (const [key, value] of Object.entries({ ...values, ...lengths })) {
    header.writeUInt32LE(value, RELAY_REQUEST.fields[key as keyof typeof values].offset);
  }
  return Buffer.concat([header, name, ...(data === undefined ? [] : [data])]);
}

function relayFailure(what: string, value: number): OrlopError {
  return systemFailure(what, { code: errnoName(-value) }) as OrlopError;
}

/** A network namespace that a relay has open. */
export class RelayNamespace implements AsyncDisposable {
  /** Its descriptor in the process of the relay: what `netnsFd` of a link can be. */
  readonly fd: number;
  readonly #relay: NetworkRelay;
  readonly #sockets = new Map<number, Promise<number>>();
  #sequence = 1;

  constructor(relay: NetworkRelay, fd: number) {
    this.#relay = relay;
    this.fd = fd;
  }

  /** Sends rtnetlink requests as one datagram; see {@link NetlinkExchange} for what it throws. */
  route(...requests: readonly NetlinkRequest<unknown>[]): Promise<NetlinkExchange> {
    return this.#exchange(NETLINK_ROUTE, requests);
  }

  /** The same for nftables and conntrack. */
  netfilter(...requests: readonly NetlinkRequest<unknown>[]): Promise<NetlinkExchange> {
    return this.#exchange(NETLINK_NETFILTER, requests);
  }

  /** What a request for values gives, asked again where it changed meanwhile. */
  async values<T>(protocol: "route" | "netfilter", request: NetlinkRequest<T>): Promise<readonly T[]> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this[protocol](request)).values(request);
      } catch (error) {
        const interrupted = error instanceof OrlopError && error.errno === "EINTR" && request.dump;
        if (!interrupted || tries === DUMP_TRIES_MAX) throw error;
      }
    }
  }

  /** Of /proc/sys/net, which shows each process its own namespace's. */
  async readFile(path: string): Promise<string> {
    const { value, chunks } = await this.#relay.ask({ operation: "readFile", namespace: this.fd, path });
    if (value < 0) throw relayFailure(`read "${path}"`, value);
    return Buffer.concat(chunks).toString();
  }

  async writeFile(path: string, text: string): Promise<void> {
    const data = Buffer.from(text);
    const { value } = await this.#relay.ask({ operation: "writeFile", namespace: this.fd, path, data });
    if (value < 0) throw relayFailure(`write "${text.trim()}" to "${path}"`, value);
  }

  /** The errno of a bind(2) to that address, or undefined where it succeeds. Nothing stays bound. */
  async tryBind(family: number, type: number, protocol: number, address: Uint8Array): Promise<string | undefined> {
    const request = { operation: "tryBind", namespace: this.fd, a: family, b: type, c: protocol } as const;
    const { value } = await this.#relay.ask({ ...request, data: address });
    return value < 0 ? errnoName(-value) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const sockets = await Promise.all(this.#sockets.values());
      this.#sockets.clear();
      // Whoever is in a namespace keeps it alive.
      const namespace = this.#relay.home.fd;
      for (const fd of [...sockets, this.fd]) await this.#relay.ask({ operation: "close", namespace, a: fd });
    } catch (error) {
      // With its process everything is closed.
      if (!this.#relay.isLost) throw error;
    }
  }

  async #exchange(protocol: number, requests: readonly NetlinkRequest<unknown>[]): Promise<NetlinkExchange> {
    const exchange = new NetlinkExchange(requests, { sequence: this.#sequence });
    this.#sequence += requests.length;
    if (exchange.bytes.length === 0) return exchange;
    const socket = this.#sockets.get(protocol) ?? this.#openSocket(protocol);
    this.#sockets.set(protocol, socket);
    const { value, chunks } = await this.#relay.ask({ operation: "exchange", a: await socket, data: exchange.bytes });
    if (value < 0) throw relayFailure("send netlink requests", value);
    for (const chunk of chunks) exchange.accept(chunk);
    if (exchange.complete) return exchange;
    throw new OrlopError("failed", "Cannot read netlink answers: the kernel owes some");
  }

  async #openSocket(protocol: number): Promise<number> {
    const { value } = await this.#relay.ask({ operation: "socket", namespace: this.fd, a: protocol });
    if (value < 0) throw relayFailure("open netlink socket", value);
    return value;
  }
}
