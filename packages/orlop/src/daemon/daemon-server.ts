import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import { isListening } from "@orlop/runtime/launcher";
import { type DaemonPlace, removeLauncher, writeLauncher } from "./daemon-place.ts";
import { sweepDaemonPlaces } from "./sweep-daemon-places.ts";

/** So many calls at once; who comes then is served by Node. */
const CALLS_MAX = 1024;

/** Waits for calls at a place until it is told to leave; those that it serves then are served to their end. */
export class DaemonServer implements AsyncDisposable {
  readonly #place: DaemonPlace;
  readonly #server: Server;
  readonly #calls = new Set<Promise<void>>();

  private constructor(place: DaemonPlace, serve: (socket: Socket) => Promise<void>) {
    this.#place = place;
    this.#server = createServer((socket) => this.#serve(serve(socket)));
    this.#server.maxConnections = CALLS_MAX;
  }

  /** @throws OrlopError `conflict` where there is one already */
  static async listen(place: DaemonPlace, serve: (socket: Socket) => Promise<void>): Promise<DaemonServer> {
    const server = new DaemonServer(place, serve);
    while (!(await server.#take())) {
      // Another daemon, which starts or ends as well, has swept the directory away while it was still empty.
    }
    writeLauncher(place);
    await sweepDaemonPlaces(place.directory);
    return server;
  }

  /** @returns false where somebody has removed the directory meanwhile */
  async #take(): Promise<boolean> {
    const { directory, socket } = this.#place;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    if (await isListening(socket)) {
      throw new OrlopError("conflict", `Cannot listen at "${socket}": another daemon does`);
    }
    const own = `${socket}.${process.pid}`;
    rmSync(own, { force: true });
    try {
      const listening = once(this.#server, "listening");
      this.#server.listen(own);
      await listening;
      chmodSync(own, 0o600);
      renameSync(own, socket);
      return true;
    } catch (cause) {
      if (this.#server.listening) await promisify(this.#server.close).call(this.#server);
      if (!existsSync(directory)) return false;
      throw new OrlopError(
        "failed",
        `Cannot listen at "${socket}": ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      );
    }
  }

  #serve(call: Promise<void>): void {
    this.#calls.add(call);
    void call.finally(() => this.#calls.delete(call));
  }

  /** Takes no more calls; resolves with the end of the last one. */
  async [Symbol.asyncDispose](): Promise<void> {
    removeLauncher(this.#place);
    rmSync(this.#place.directory, { recursive: true, force: true });
    this.#server.close();
    await Promise.all(this.#calls);
  }
}
