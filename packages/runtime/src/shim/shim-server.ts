import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Zygote } from "@orlop/kernel";
import { readHostView } from "../process/host-view.ts";
import { ProcessRuntime } from "../process/process-runtime.ts";
import { TtrpcServer } from "../ttrpc/ttrpc-server.ts";
import { EventPublisher } from "./event-publisher.ts";
import { ownRecord, removeServerRecord, type ServerRecord, writeServerRecord } from "./server-record.ts";
import { newSocketPath, type ShimPlace } from "./shim-place.ts";
import type { TaskHost } from "./task.ts";
import type { TaskCgroupDriver } from "./task-options.ts";
import { TaskService } from "./task-service.ts";

interface ShimServerOptions {
  readonly place: ShimPlace;
  readonly namespace: string;
  /** Path of the unix socket of containerd's events service. */
  readonly eventsAddress: string;
  /** The directory of the program that started it. */
  readonly bin: string;
  /** Without a container for so long, it leaves. */
  readonly idleMs: number;
  /** Takes what went wrong in a way that nobody foresaw, or that nobody is told of otherwise. */
  readonly onFailure: (error: unknown) => void;
}

/** Somebody who was sent here and has not come with a container for so long does not come any more. */
const CLAIM_MS = 60_000;

/** Serves the containers of a namespace of one containerd, for as long as there are any. */
export class ShimServer {
  /** Resolves when it has left. */
  readonly left: Promise<void>;
  readonly #options: ShimServerOptions;
  readonly #left = Promise.withResolvers<void>();
  readonly #runtimes: TaskHost["runtimes"];
  readonly #publisher: EventPublisher;
  readonly #service: TaskService;
  readonly #record: ServerRecord;
  #server: TtrpcServer | undefined;
  #zygoteIfStarted: Zygote | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isRetired = false;

  constructor(options: ShimServerOptions) {
    const { place, namespace, eventsAddress, bin } = options;
    this.#options = options;
    this.left = this.#left.promise;
    this.#record = ownRecord(newSocketPath(place), bin);
    const runtime = (cgroupDriver: TaskCgroupDriver): ProcessRuntime =>
      new ProcessRuntime({ root: place.containers, startZygote: () => this.#zygote, cgroupDriver });
    this.#runtimes = { cgroupfs: runtime("cgroupfs"), systemd: runtime("systemd") };
    this.#publisher = new EventPublisher({ address: eventsAddress, namespace, onRefused: options.onFailure });
    const host = readHostView();
    const server = this;
    this.#service = new TaskService({
      host: {
        runtimes: this.#runtimes,
        observer: runtime("cgroupfs"),
        runner: {
          host,
          get zygote() {
            return server.#zygote;
          },
        },
        namespace,
        containers: place.containers,
        logs: place.logs,
        publish: (name, event) => this.#publisher.publish(name, event),
      },
      onCome: (id) => this.#forgetClaim(id),
      onEmpty: () => this.#rest(),
    });
  }

  /** One for all: what mounts root file systems is what makes containers. */
  get #zygote(): Zygote {
    if (this.#zygoteIfStarted?.alive !== true) this.#zygoteIfStarted = Zygote.start();
    return this.#zygoteIfStarted;
  }

  /** Resolves when it can be found. */
  async listen(): Promise<void> {
    this.#server = await TtrpcServer.listen(this.#service.services, { path: this.#record.socket });
    writeServerRecord(this.#options.place.server, this.#record);
    this.#rest();
  }

  /** Nobody is sent here any more; who is here is served to the end. */
  retire(): void {
    this.#isRetired = true;
    removeServerRecord(this.#options.place.server);
    this.#leaveIfEmpty();
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#leaveIfEmpty(), this.#options.idleMs);
  }

  #forgetClaim(id: string): void {
    rmSync(join(this.#options.place.claims, id), { force: true });
  }

  /**
   * Who starts a container leaves a claim first, and then looks for a server; here it is the other way round. So one of the
   * two sees the other.
   */
  #leaveIfEmpty(): void {
    this.#service.forgetVanished();
    if (!this.#service.isEmpty) {
      this.#rest();
      return;
    }
    const { place } = this.#options;
    const wasFound = removeServerRecord(place.server);
    if (!this.#isClaimed()) {
      void this.#leave();
      return;
    }
    if (wasFound && !this.#isRetired) writeServerRecord(place.server, this.#record);
    this.#rest();
  }

  #isClaimed(): boolean {
    const { claims } = this.#options.place;
    const young = readdirSync(claims).filter((id) => {
      const path = join(claims, id);
      const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - madeMs < CLAIM_MS) return true;
      rmSync(path, { force: true });
      return false;
    });
    return young.length > 0;
  }

  async #leave(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#server?.[Symbol.asyncDispose]();
    rmSync(this.#record.socket, { force: true });
    this.#publisher.close();
    for (const runtime of Object.values(this.#runtimes)) runtime.close();
    this.#zygoteIfStarted?.close();
    this.#left.resolve();
  }
}
