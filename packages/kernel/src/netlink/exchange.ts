import { OrlopError } from "@orlop/core";
import { acknowledgementError, decodeAcknowledgement } from "./answer.ts";
import { datagramMaxBytes, dumpValuesMax } from "./limits.ts";
import {
  decodeMessages,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  NLMSG_OVERRUN,
} from "./message.ts";
import { encodeRequest, type NetlinkRequest } from "./request.ts";

export interface NetlinkExchangeOptions {
  /** Of the first request; the others count up. Answers carry it, so let it differ from those still under way. */
  readonly sequence: number;
  /** What the socket sends at once, in bytes; default `datagramMaxBytes`. Larger after SO_SNDBUF(FORCE). */
  readonly datagramMaxBytes?: number;
}

/**
 * Requests that go out in one datagram, and the answers that the kernel owes for them.
 *
 * Life: make it; send `bytes`; give each received datagram to `accept` until it returns true; read `values`. An
 * exchange without an owed answer is complete from the start. At most one request of it may be a dump: a socket runs
 * one at a time (the kernel answers a second one with EBUSY).
 */
export class NetlinkExchange {
  /** The datagram to send. */
  readonly bytes: Uint8Array;
  readonly #requests: readonly NetlinkRequest<unknown>[];
  readonly #sequence: number;
  readonly #values: unknown[][];
  readonly #owed = new Set<number>();
  #valueCount = 0;

  constructor(requests: readonly NetlinkRequest<unknown>[], options: NetlinkExchangeOptions) {
    this.#requests = requests;
    this.#sequence = options.sequence;
    this.#values = requests.map(() => []);
    const encoded = requests.map((request, index) => encodeRequest(request, this.#sequenceOf(index)));
    this.bytes = joined(encoded, options.datagramMaxBytes ?? datagramMaxBytes);
    for (const [index, request] of requests.entries()) {
      if ((request.flags & NLM_F_ACK) !== 0 || request.dump) this.#owed.add(index);
    }
  }

  /** Whether every owed answer has come. */
  get complete(): boolean {
    return this.#owed.size === 0;
  }

  /**
   * Takes one received datagram; true once every owed answer has come. Messages of other exchanges are passed over.
   * Throws the OrlopError of the first request that was refused, with the kernel's reason; OrlopError("conflict") when
   * a dump was interrupted by a change (dump again); OrlopError("exhausted") when the kernel or `dumpValuesMax` gave
   * up; OrlopError("invalid") on bytes that are not netlink.
   */
  accept(datagram: Uint8Array): boolean {
    for (const message of decodeMessages(datagram)) this.#acceptMessage(message);
    return this.complete;
  }

  /** What a request's answers decoded to. Throws OrlopError("conflict") while answers are owed. */
  values<T>(request: NetlinkRequest<T>): readonly T[] {
    const index = this.#requests.indexOf(request as NetlinkRequest<unknown>);
    if (index === -1) {
      throw new OrlopError("not-found", `Cannot ${request.operation} "${request.object}": it is not of this exchange`);
    }
    if (this.#owed.has(index)) {
      throw new OrlopError(
        "conflict",
        `Cannot ${request.operation} "${request.object}": the kernel has not answered yet`,
      );
    }
    return this.#values[index] as T[];
  }

  #sequenceOf(index: number): number {
    return (this.#sequence + index) >>> 0;
  }

  #acceptMessage(message: NetlinkMessage): void {
    if (message.type === NLMSG_OVERRUN) {
      throw new OrlopError("exhausted", "Cannot read netlink answers: the kernel dropped some (NLMSG_OVERRUN)");
    }
    const index = (message.sequence - this.#sequence) >>> 0;
    const request = this.#requests[index];
    if (request === undefined) return;
    if ((message.flags & NLM_F_DUMP_INTR) !== 0 && request.dump) {
      const reason = "the objects changed while the kernel listed them";
      throw new OrlopError("conflict", `Cannot ${request.operation} "${request.object}": ${reason}\nTry again.`, {
        operation: request.operation,
        errno: "EINTR",
      });
    }
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      const answer = decodeAcknowledgement(message);
      if (answer.errno !== 0) throw acknowledgementError(request, answer);
      this.#owed.delete(index);
    } else if (message.type >= NLMSG_MIN_TYPE) {
      this.#keep(index, request.decode?.(message));
    }
  }

  #keep(index: number, value: unknown): void {
    if (value === undefined) return;
    this.#valueCount += 1;
    if (this.#valueCount > dumpValuesMax) {
      throw new OrlopError(
        "exhausted",
        `Cannot read netlink answers: there are more than dumpValuesMax, ${dumpValuesMax}`,
      );
    }
    this.#values[index]?.push(value);
  }
}

function joined(messages: readonly Uint8Array[], maximum: number): Uint8Array {
  const total = messages.reduce((sum, message) => sum + message.length, 0);
  if (total > maximum) {
    const reason = `datagramMaxBytes is ${maximum}`;
    const wayOut = "Try fewer at once, or a socket with SO_SNDBUFFORCE and datagramMaxBytes to match.";
    throw new OrlopError("exhausted", `Cannot send ${total} bytes of netlink requests: ${reason}\n${wayOut}`);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const message of messages) {
    bytes.set(message, at);
    at += message.length;
  }
  return bytes;
}
