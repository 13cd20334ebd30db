import { type FSWatcher, lstatSync, renameSync, rmdirSync, rmSync, unlinkSync, watch } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { isListening } from "./is-listening.ts";
import { type LauncherPlace, makeSocketDirectory, ownName, STARTING } from "./launcher-place.ts";

/** What became of somebody who came: one of its callers, a caller who is elsewhere or other, or nobody who called. */
export type Served = "served" | "declined" | "nobody";

interface ResidentServerOptions {
  readonly place: LauncherPlace;
  /** Without a call that it serves for so long, it leaves. */
  readonly idleMs: number;
  /** Without one for so long, it makes room for the first caller that it has to decline. */
  readonly yieldMs: number;
  /** How many calls it serves at once; who comes then is served by Node. */
  readonly callsMax: number;
  /** Serves one caller to its end. */
  serve(socket: Socket): Promise<Served>;
  /** Takes what a call failed with in a way that nobody foresaw. */
  onFailure(error: unknown): void;
}

/**
 * Waits for calls at a place, until it has served nobody for a while, somebody else listens there, or it is told to leave;
 * the calls that it serves are served to their end. There is one place for all callers of an installation, and those in
 * another namespace need a process of their own there: so it does not stay for calls that it declines.
 */
export class ResidentServer {
  /** Resolves when it has left. */
  readonly left: Promise<void>;
  readonly #options: ResidentServerOptions;
  readonly #server: Server;
  readonly #left: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #calls = 0;
  #servedMs = Date.now();
  #leaving = false;
  #idle: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #inode = 0;

  constructor(options: ResidentServerOptions) {
    this.#options = options;
    this.left = this.#left.promise;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = options.callsMax;
  }

  /** Resolves when it can be found, or has left because another one can. */
  async listen(): Promise<void> {
    const { place } = this.#options;
    const { directory, socket } = place;
    makeSocketDirectory(place);
    const starting = join(directory, STARTING);
    if (await isListening(socket)) {
      rmSync(starting, { force: true });
      this.#end();
      return;
    }
    const own = ownName(socket, process.pid);
    rmSync(own, { force: true });
    const listening = Promise.withResolvers<void>();
    this.#server.once("error", listening.reject);
    this.#server.listen(own, () => listening.resolve());
    await listening.promise;
    this.#inode = lstatSync(own).ino;
    this.#watcher = this.#watch(directory);
    // Where two have started at once, the later one is found.
    renameSync(own, socket);
    rmSync(starting, { force: true });
    this.#leaveIfReplaced();
    this.#rest();
  }

  /** Undefined where no more watches are to be had: then a replaced one leaves when it is idle. */
  #watch(directory: string): FSWatcher | undefined {
    try {
      return watch(directory, () => this.#leaveIfReplaced()).on("error", () => this.leave());
    } catch {
      return undefined;
    }
  }

  async #serve(socket: Socket): Promise<void> {
    this.#calls++;
    clearTimeout(this.#idle);
    let served: Served = "served";
    try {
      served = await this.#options.serve(socket);
    } catch (error) {
      // The launcher sees the end of its socket, and says that its call broke off.
      socket.destroy();
      this.#options.onFailure(error);
    }
    this.#calls--;
    if (served === "served") this.#servedMs = Date.now();
    if (this.#calls > 0) return;
    if (this.#leaving) this.#end();
    else if (served === "declined" && Date.now() - this.#servedMs >= this.#options.yieldMs) this.leave();
    else this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#leaving) return;
    const { idleMs } = this.#options;
    // A clock that was set back must not make it stay for longer.
    const leftMs = Math.min(this.#servedMs + idleMs - Date.now(), idleMs);
    this.#idle = setTimeout(() => this.leave(), leftMs);
  }

  #leaveIfReplaced(): void {
    if (!this.#isFound()) this.leave();
  }

  #isFound(): boolean {
    return lstatSync(this.#options.place.socket, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Takes no more calls, and ends with the last of those it has. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    clearTimeout(this.#idle);
    try {
      if (this.#isFound()) unlinkSync(this.#options.place.socket);
    } catch {
      // Somebody else has removed it, or taken its place.
    }
    this.#server.close();
    if (this.#calls === 0) this.#end();
  }

  #end(): void {
    this.#watcher?.close();
    try {
      rmdirSync(this.#options.place.directory);
    } catch {
      // Somebody else is there.
    }
    this.#left.resolve();
  }
}
