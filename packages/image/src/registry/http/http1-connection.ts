import type { OnReadOpts, Socket } from "node:net";
import { BodyFramer } from "./body-framer.ts";
import type { HttpBody } from "./http-exchange.ts";
import { framingOf, HEAD_MAX_BYTES, type MessageHead, ProtocolError, parseHead } from "./message-head.ts";
import { QueuedBody } from "./queued-body.ts";
import { Slabs } from "./slabs.ts";

/** How a request that was sent over the connection goes on. */
interface AnswerObserver {
  head(head: MessageHead, body: HttpBody): void;
  failed(error: Error): void;
  /** The answer has come to its end, or failed. */
  done(isReusable: boolean): void;
}

interface PendingRequest {
  readonly method: string;
  readonly observer: AnswerObserver;
}

interface ComingAnswer {
  readonly head: MessageHead;
  readonly framer: BodyFramer;
  readonly body: QueuedBody;
}

/**
 * The reading end of a connection in HTTP/1.1.
 *
 * Node's own client allocates and copies 64 KiB at a time, and collecting that took most of the time of a download. Here the
 * kernel writes into large slabs, and a body's chunks are slices of those, which are written to again when they come back.
 */
export class Http1Connection {
  #socket: Socket | undefined;
  readonly #slabs = new Slabs();
  #partialHead: Buffer = Buffer.alloc(0);
  /** The request whose answer is waited for or is coming. */
  #request: PendingRequest | undefined;
  #answer: ComingAnswer | undefined;
  #isOpen = true;

  /** For the options of the socket that this is to read. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#slabs.room(this.#answer?.framer.leftBytes ?? 0),
    callback: (length) => this.#take(this.#slabs.fill(length)),
  };

  /** @param isReadDirectly the socket was made with `onread` */
  attach(socket: Socket, isReadDirectly: boolean): void {
    this.#socket = socket;
    if (!isReadDirectly) {
      socket.on("data", (bytes: Buffer) => {
        if (!this.#take(bytes)) socket.pause();
      });
    }
    socket.on("error", (error) => this.fail(error));
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#ended());
  }

  /** Whether a request may be sent. */
  get isOpen(): boolean {
    return this.#isOpen && this.#socket?.destroyed === false;
  }

  expect(method: string, observer: AnswerObserver): void {
    this.#request = { method, observer };
  }

  /** Gives the connection up. */
  fail(error: Error): void {
    this.#isOpen = false;
    this.#socket?.destroy();
    const request = this.#request;
    this.#request = undefined;
    this.#answer?.body.fail(error);
    this.#answer = undefined;
    request?.observer.failed(error);
    request?.observer.done(false);
  }

  /** @returns false when no more is to be read for now */
  #take(bytes: Buffer): boolean {
    try {
      for (let rest = bytes; rest.length > 0 && this.#isOpen; ) rest = this.#takeSome(rest);
    } catch (error) {
      this.fail(error as Error);
    }
    return this.#answer?.body.isFull !== true;
  }

  #takeSome(bytes: Buffer): Buffer {
    if (this.#answer !== undefined) {
      const { framer, body } = this.#answer;
      const taken = framer.take(bytes, (content) => {
        this.#slabs.lend(content);
        body.give(content);
      });
      if (framer.ended) this.#done(taken === bytes.length);
      return bytes.subarray(taken);
    }
    if (this.#request === undefined) throw new ProtocolError("speaks without being asked");
    // Heads mostly come whole.
    const head = this.#partialHead.length === 0 ? bytes : Buffer.concat([this.#partialHead, bytes]);
    const end = head.indexOf("\r\n\r\n");
    if (end > HEAD_MAX_BYTES || (end < 0 && head.length > HEAD_MAX_BYTES)) {
      throw new ProtocolError("sends a head that is too long");
    }
    if (end < 0) {
      this.#partialHead = Buffer.from(head);
      return head.subarray(head.length);
    }
    this.#partialHead = Buffer.alloc(0);
    const rest = head.subarray(end + 4);
    this.#begin(this.#request, parseHead(head.subarray(0, end)), rest.length === 0);
    return rest;
  }

  #begin({ method, observer }: PendingRequest, head: MessageHead, isLast: boolean): void {
    if (head.status === 101) throw new ProtocolError("changes the protocol without being asked");
    // The answer proper is still to come (RFC 9110, section 15.2).
    if (head.status < 200) return;
    const framer = new BodyFramer(framingOf(method, head));
    const body = new QueuedBody({
      resume: () => this.#socket?.resume(),
      abandon: (error) => this.fail(error),
      giveBack: (chunk) => this.#slabs.giveBack(chunk),
    });
    this.#answer = { head, framer, body };
    observer.head(head, body);
    if (framer.ended) this.#done(isLast);
  }

  /** The answer has come, though its body may not have been read. */
  #done(isExact: boolean): void {
    const { head, body, framer } = this.#answer as ComingAnswer;
    const { observer } = this.#request as PendingRequest;
    this.#answer = undefined;
    this.#request = undefined;
    body.complete();
    const isReusable = head.keepsAlive && isExact && !framer.endsWithConnection;
    if (!isReusable) {
      this.#isOpen = false;
      this.#socket?.destroy();
    }
    observer.done(isReusable);
  }

  #ended(): void {
    if (this.#answer?.framer.endsWithConnection === true) this.#done(false);
    else this.fail(Object.assign(new Error("closed the connection"), { code: "ECONNRESET" }));
  }
}
