import type { Socket as DatagramSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import type { OpenedSockets } from "./name-sockets.ts";
import { frame, StreamMessages } from "./stream-messages.ts";

/** What answers messages; undefined: nothing is said. */
type AnswerMessage = (message: Buffer, from: MessageOrigin) => Promise<Buffer | undefined>;

export interface MessageOrigin {
  readonly source: string;
  readonly transport: "udp" | "tcp";
}

/** Of one gateway, and of one of its clients. */
const CONNECTIONS_MAX = 128;
const CLIENT_CONNECTIONS_MAX = 16;
/** RFC 7766, section 6.2.3. */
const IDLE_MAX_MS = 10_000;

/** Answers by sockets on one address of the host, of UDP and of TCP, which it closes. */
export class AnswerSockets implements AsyncDisposable {
  readonly address: string;
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #connections = new Map<Socket, string>();

  constructor(address: string, { datagrams, server }: OpenedSockets, answer: AnswerMessage) {
    this.address = address;
    this.#datagrams = datagrams;
    this.#datagrams.on("message", (message, { address: source, port }) => {
      void answer(message, { source, transport: "udp" }).then((bytes) => {
        // Whoever has gone meanwhile needs none.
        if (bytes !== undefined) this.#datagrams.send(bytes, port, source, () => {});
      }, ignore);
    });
    this.#datagrams.on("error", ignore);
    this.#server = server;
    this.#server.on("connection", (socket) => this.#accept(socket, answer));
    this.#server.on("error", ignore);
  }

  get ports(): { readonly udp: number; readonly tcp: number } {
    const address = this.#server.address();
    return { udp: this.#datagrams.address().port, tcp: typeof address === "object" ? (address?.port ?? 0) : 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections.keys()) socket.destroy();
    const closed = Promise.withResolvers<void>();
    this.#datagrams.close(() => closed.resolve());
    this.#server.close();
    await closed.promise;
  }

  #accept(socket: Socket, answer: AnswerMessage): void {
    const source = socket.remoteAddress ?? "";
    const own = [...this.#connections.values()].filter((each) => each === source);
    if (this.#connections.size >= CONNECTIONS_MAX || own.length >= CLIENT_CONNECTIONS_MAX) return void socket.destroy();
    this.#connections.set(socket, source);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", ignore);
    socket.setTimeout(IDLE_MAX_MS, () => socket.destroy());
    let last: Promise<void> = Promise.resolve();
    const messages = new StreamMessages((message) => {
      last = last.then(async () => {
        const bytes = await answer(message, { source, transport: "tcp" });
        if (bytes === undefined) socket.destroy();
        else if (!socket.destroyed) socket.write(frame(bytes));
      });
    });
    socket.on("data", (chunk: Buffer) => {
      // One after the other: who asks faster than it is answered waits.
      socket.pause();
      messages.push(chunk);
      void last.then(
        () => socket.resume(),
        () => socket.destroy(),
      );
    });
  }
}

function ignore(): void {}
