import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
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
    const { directory, socket } = place;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    if (await isListening(socket)) {
      throw new OrlopError("conflict", `Cannot listen at "${socket}": another daemon does`);
    }
    const server = new DaemonServer(place, serve);
    const own = `${socket}.${process.pid}`;
    rmSync(own, { force: true });
    const listening = Promise.withResolvers<void>();
    server.#server.once("error", listening.reject);
    server.#server.listen(own, () => listening.resolve());
    await listening.promise;
    chmodSync(own, 0o600);
    renameSync(own, socket);
    writeLauncher(place);
    await sweepDaemonPlaces(directory);
    return server;
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
