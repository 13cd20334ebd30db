import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { systemFailure, type Zygote } from "@orlop/kernel";
import { OwnDirectory } from "../../run/own-directory.ts";
import type { NamespaceFile } from "./emit-enter.ts";
import { holdNamespaces } from "./hold-namespaces.ts";
import { CONNECTION_ID_BYTES, portRelayProgram } from "./port-relay-program.ts";

/** How a port is reached. */
export interface ExposeOptions {
  /** Of this machine's loopback. Absent: one that is free. */
  readonly hostPort?: number;
}

interface ExposedParts extends ExposeOptions {
  /** Of the sandbox's init. */
  readonly pid: number;
  readonly port: number;
  /** Its network namespace belongs to a user namespace of its own. */
  readonly rootless: boolean;
  readonly stateDirectory: string;
  readonly zygote: () => Pick<Zygote, "submit">;
}

/** At a time; further ones wait. */
const CONNECTIONS_MAX = 1024;
const HOST = "127.0.0.1";

/**
 * A port of a sandbox that this machine reaches at its loopback. The sandbox needs no network for that, and gets none: each
 * connection is taken here and carried to the sandbox's own loopback. It ends with its disposal, and with the sandbox.
 */
export class ExposedPort implements AsyncDisposable {
  /** `127.0.0.1`. */
  readonly host: string = HOST;
  /** Of this machine. */
  readonly port: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(port: number, stack: AsyncDisposableStack) {
    this.port = port;
    this.#stack = stack;
  }

  /** @internal @throws OrlopError `conflict` for a port of this machine that is taken */
  static async open(parts: ExposedParts): Promise<ExposedPort> {
    await using stack = new AsyncDisposableStack();
    const namespaces = holdNamespaces("expose port of sandbox", parts, stack);
    const directory = stack.use(new OwnDirectory(parts.stateDirectory, "ports", 0o700));
    const relay = new Relay({ ...parts, namespaces, socketPath: join(directory.path, "s") });
    const inner = createServer({ allowHalfOpen: true }, (socket) => relay.pair(socket));
    const outer = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => relay.take(socket));
    outer.maxConnections = CONNECTIONS_MAX;
    await listen(inner, { path: relay.socketPath }, stack);
    await listen(outer, { host: HOST, port: parts.hostPort ?? 0 }, stack);
    stack.defer(() => relay.close());
    const address = outer.address();
    if (address === null || typeof address === "string") throw new Error("a port has a number");
    return new ExposedPort(address.port, stack.move());
  }

  /** `http://127.0.0.1:PORT`, for what speaks HTTP. */
  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** Ends its connections, too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

interface RelayParts extends Pick<ExposedParts, "port" | "zygote"> {
  readonly namespaces: readonly NamespaceFile[];
  readonly socketPath: string;
}

/** The connections of one port. */
class Relay {
  readonly socketPath: string;
  readonly #parts: RelayParts;
  /** Those that their program has not come back for yet. */
  readonly #waiting = new Map<number, Socket>();
  readonly #sockets = new Set<Socket>();
  #last = 0;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.socketPath = parts.socketPath;
  }

  /** Somebody connects: a program of our own enters the sandbox's network and comes back by the unix socket. */
  take(socket: Socket): void {
    const id = ++this.#last;
    this.#keep(socket);
    this.#waiting.set(id, socket);
    socket.on("close", () => this.#waiting.delete(id));
    const { namespaces, port } = this.#parts;
    const program = portRelayProgram({ namespaces, port, socketPath: this.socketPath, id });
    try {
      this.#parts.zygote().submit(program, ({ kind }) => {
        // Nobody listens there, or nothing is there any more: what a connection to such a port is told.
        if (kind !== "started" && kind !== "begun") this.#waiting.get(id)?.resetAndDestroy();
      });
    } catch {
      socket.resetAndDestroy();
    }
  }

  /** A program has come back, and says first for whom. */
  pair(inner: Socket): void {
    this.#keep(inner);
    const read = (): void => {
      const name: Buffer | null = inner.read(CONNECTION_ID_BYTES);
      if (name === null) return;
      inner.off("readable", read);
      const id = name.readUInt32LE(0);
      const outer = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (outer === undefined) {
        inner.destroy();
        return;
      }
      inner.on("close", () => outer.destroy());
      outer.on("close", () => inner.destroy());
      inner.pipe(outer);
      outer.pipe(inner);
    };
    inner.on("readable", read);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // Its close follows, which is all that there is to do about it.
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

async function listen(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
  stack: AsyncDisposableStack,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.on("error", reject);
  server.listen(where, resolve);
  try {
    await promise;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw systemFailure("expose port of sandbox", cause);
    const port = "port" in where ? where.port : 0;
    throw new OrlopError("conflict", `Cannot expose port of sandbox: port ${port} of this machine is taken`, { cause });
  }
  stack.defer(() => new Promise((closed) => server.close(() => closed())));
}
