import { type LinuxResources, OrlopError, type State } from "@orlop/core";
import type { CgroupStats } from "@orlop/kernel";
import type { SchemataChange } from "../resctrl/change-schemata.ts";
import type {
  OciCheckpoint,
  OciContainers,
  OciContainersOptions,
  OciCreate,
  OciExec,
  OciRestore,
  OciRun,
  OciState,
} from "./oci-containers.ts";

export const FAKE_STATS: CgroupStats = {
  cpu: {
    usageNs: 3n,
    userNs: 2n,
    systemNs: 1n,
    perCpuNs: [3n, 0n],
    throttling: { periods: 4n, throttledPeriods: 2n, throttledNs: 30n, bursts: 0n, burstNs: 0n },
    pressure: { some: { avg10: 1.5, avg60: 0, avg300: 0, totalUs: 7n }, full: undefined },
  },
  memory: {
    usage: 4096n,
    limit: undefined,
    peak: 8192n,
    failures: 0n,
    swap: { usage: 1n, limit: 10n, peak: 2n, failures: 0n },
    kernel: { usage: 1n, limit: 10n, peak: 2n, failures: 0n },
    kernelTcp: { usage: 1n, limit: 10n, peak: 2n, failures: 0n },
    stat: { anon: 1000n, file: 2000n },
    events: { oom_kill: 0n },
    pressure: undefined,
  },
  pids: { current: 2n, limit: undefined },
  io: {
    devices: [
      {
        major: 8,
        minor: 0,
        readBytes: 1n,
        writtenBytes: 2n,
        reads: 3n,
        writes: 4n,
        discardedBytes: 0n,
        discards: 0n,
      },
    ],
    pressure: undefined,
  },
  hugetlb: { "2MB": { usage: 0n, limit: undefined, peak: undefined, failures: 0n, reserved: undefined } },
  rdma: {},
};

/** Containers without processes, which write down what is asked of them. */
export class FakeContainers implements OciContainers {
  readonly known: Map<string, OciState> = new Map();
  /** What was asked, in order: `start a`, `signal a 9 all`. */
  readonly asked: string[] = [];
  readonly created: OciCreate[] = [];
  readonly ran: OciRun[] = [];
  readonly executed: OciExec[] = [];
  readonly updates: LinuxResources[] = [];
  readonly schemata: (SchemataChange | undefined)[] = [];
  readonly checkpoints: OciCheckpoint[] = [];
  readonly restores: OciRestore[] = [];
  options: OciContainersOptions | undefined;
  readings: readonly CgroupStats[] = [FAKE_STATS];
  processes: readonly number[] = [];

  opened(options: OciContainersOptions): this {
    this.options = options;
    return this;
  }

  /** A container in a state of one's choice. */
  with(id: string, status: State["status"], more: Partial<OciState> = {}): this {
    this.known.set(id, {
      ociVersion: "1.0.2",
      id,
      status,
      ...(status === "stopped" ? {} : { pid: 4711 }),
      bundle: "/bundle",
      rootfs: "/bundle/rootfs",
      created: "2026-01-02T03:04:05.678Z",
      ownerUid: 0,
      ...more,
    });
    return this;
  }

  async create(request: OciCreate): Promise<State> {
    if (this.known.has(request.id)) {
      throw new OrlopError("exists", `Cannot create container "${request.id}": its name is taken`);
    }
    this.created.push(request);
    await request.announce?.(4711);
    return this.with(request.id, "created").#state(request.id);
  }

  async run(request: OciRun): Promise<void> {
    this.ran.push(request);
    await request.announce?.(4711);
  }

  async start(id: string): Promise<void> {
    this.#state(id);
    this.asked.push(`start ${id}`);
    this.with(id, "running");
  }

  async exec(request: OciExec): Promise<{ readonly pid: number }> {
    this.executed.push(request);
    await request.announce?.(4712);
    return { pid: 4712 };
  }

  async execForeground(request: OciExec): Promise<void> {
    this.asked.push("foreground");
    await this.exec(request);
  }

  async state(id: string): Promise<OciState> {
    return this.#state(id);
  }

  async list(): Promise<readonly OciState[]> {
    return [...this.known.values()];
  }

  async signal(id: string, signal: number, { all }: { readonly all: boolean }): Promise<void> {
    const { status } = this.#state(id);
    if (status === "stopped") throw new OrlopError("conflict", `Cannot signal container "${id}": it has ended`);
    this.asked.push(`signal ${id} ${signal}${all ? " all" : ""}`);
  }

  async pause(id: string): Promise<void> {
    this.asked.push(`pause ${id}`);
  }

  async resume(id: string): Promise<void> {
    this.asked.push(`resume ${id}`);
  }

  async update(_id: string, resources: LinuxResources, schemata?: SchemataChange): Promise<void> {
    this.updates.push(resources);
    this.schemata.push(schemata);
  }

  /** The readings one after the other; at their end the container stops. */
  async stats(id: string): Promise<CgroupStats> {
    this.#state(id);
    const [reading = FAKE_STATS, ...rest] = this.readings;
    this.readings = rest;
    if (rest.length === 0) this.with(id, "stopped");
    return reading;
  }

  async checkpoint(request: OciCheckpoint): Promise<void> {
    this.#state(request.id);
    this.checkpoints.push(request);
  }

  async restore(request: OciRestore): Promise<void> {
    this.restores.push(request);
    await request.announce?.(4713);
  }

  async pids(id: string): Promise<readonly number[]> {
    this.#state(id);
    return this.processes;
  }

  async delete(id: string, { force }: { readonly force: boolean }): Promise<void> {
    this.#state(id);
    this.asked.push(`delete ${id}${force ? " force" : ""}`);
    this.known.delete(id);
  }

  #state(id: string): OciState {
    const state = this.known.get(id);
    if (state === undefined) throw new OrlopError("not-found", `Cannot find container "${id}": there is none`);
    return state;
  }
}
