import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ContainerStats,
  type CreateRequest,
  type ExecRequest,
  type ExitStatus,
  type LogEntry,
  type Logs,
  OrlopError,
  type Runtime,
  type RuntimeFeatures,
  type SignalTarget,
  type State,
  type WaitOptions,
} from "@orlop/core";
import { Database } from "@orlop/image";
import { Engine, type NewContainer } from "./engine.ts";
import type { HeldNamespaces, PodNamespaces } from "./pods/namespaces/pod-namespaces.ts";
import type { PodDescription } from "./pods/pod-description.ts";
import type { NewPod } from "./pods/pods.ts";
import type { ContainerRoot } from "./state/container-description.ts";
import type { Container } from "./state/container-rows.ts";

interface FakeRun {
  readonly request: CreateRequest;
  status: State["status"];
  readonly ended: PromiseWithResolvers<ExitStatus>;
}

/** Containers without processes: a test ends them, and they know the signals that they got. */
class FakeRuntime implements Runtime {
  readonly name = "fake";
  readonly runs: Map<string, FakeRun> = new Map();
  readonly signals: [id: string, signal: number][] = [];
  /** The next start fails so. */
  failure: OrlopError | undefined;
  /** Starts take until then. */
  startsAfter: Promise<void> | undefined;
  /** Whoever has deleted one is gone: nothing that follows is done. */
  dieAfterDelete = false;
  /** They end with the signals that they get, other than these. */
  readonly ignored: Set<number> = new Set();
  /** Of every exec, at once; undefined: they go on until they are killed. */
  execExitCode: number | undefined = 0;
  readonly #execs: Map<string, PromiseWithResolvers<ExitStatus>> = new Map();

  async features(): Promise<RuntimeFeatures> {
    throw new OrlopError("unsupported", "no features");
  }

  async create(request: CreateRequest): Promise<State> {
    if (this.failure !== undefined) throw this.failure;
    if (this.runs.has(request.id)) throw new OrlopError("exists", "there already");
    this.runs.set(request.id, { request, status: "created", ended: Promise.withResolvers() });
    return await this.state(request.id);
  }

  async start(id: string): Promise<void> {
    await this.startsAfter;
    this.#run(id).status = "running";
  }

  async exec({ execId }: ExecRequest): Promise<{ readonly pid: number }> {
    const ended = Promise.withResolvers<ExitStatus>();
    this.#execs.set(execId, ended);
    if (this.execExitCode !== undefined) ended.resolve(exitWith(this.execExitCode));
    return { pid: 2 };
  }

  async signal(id: string, signal: number, { execId }: SignalTarget = {}): Promise<void> {
    if (execId !== undefined) return this.#execs.get(execId)?.resolve(exitWith(128 + signal));
    if (this.#run(id).status === "stopped") throw new OrlopError("conflict", "it has ended");
    this.signals.push([id, signal]);
    if (!this.ignored.has(signal)) this.end(id, 128 + signal);
  }

  async wait(id: string, { signal, execId }: WaitOptions = {}): Promise<ExitStatus> {
    if (execId !== undefined) return await (this.#execs.get(execId) ?? Promise.withResolvers<ExitStatus>()).promise;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal?.addEventListener("abort", () => reject(signal.reason));
    return await Promise.race([this.#run(id).ended.promise, aborted]);
  }

  async pause(id: string): Promise<void> {
    this.#run(id).status = "paused";
  }

  async resume(id: string): Promise<void> {
    this.#run(id).status = "running";
  }

  async update(): Promise<void> {}

  async stats(): Promise<ContainerStats> {
    return { readAtMs: 0 };
  }

  async pids(): Promise<readonly number[]> {
    return [1];
  }

  async resize(): Promise<void> {}
  async checkpoint(): Promise<void> {}

  async delete(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    if (!force) this.#run(id);
    this.runs.delete(id);
    if (this.dieAfterDelete) throw new Error("killed");
  }

  async state(id: string): Promise<State> {
    const { status } = this.#run(id);
    return { ociVersion: "1.3.0", id, status, bundle: "/", ...(status === "stopped" ? {} : { pid: 1 }) };
  }

  async list(): Promise<readonly State[]> {
    return await Promise.all([...this.runs.keys()].map((id) => this.state(id)));
  }

  /** Nobody can tell any more how it ends: whoever watched over it was killed. @param isAlive it goes on */
  lose(id: string, isAlive: boolean): void {
    const run = this.#run(id);
    if (!isAlive) run.status = "stopped";
    run.ended.promise.catch(() => {});
    run.ended.reject(new OrlopError("failed", "its reaper was killed"));
  }

  end(id: string, exitCode: number): void {
    const run = this.#run(id);
    run.status = "stopped";
    run.ended.resolve(exitWith(exitCode));
  }

  #run(id: string): FakeRun {
    const run = this.runs.get(id);
    if (run === undefined) throw new OrlopError("not-found", `no container ${id}`);
    return run;
  }
}

function exitWith(exitCode: number): ExitStatus {
  return { exitCode, signal: undefined, oomKilled: false, exitedAtMs: Date.now(), usage: undefined };
}

/** Namespaces that are names alone. */
class FakeNamespaces implements PodNamespaces {
  /** Ids of pods whose namespaces are there. */
  readonly held: Set<string> = new Set();
  /** The next one fails so. */
  failure: OrlopError | undefined;

  async hold({ id }: PodDescription): Promise<HeldNamespaces> {
    if (this.failure !== undefined) throw this.failure;
    this.held.add(id);
    return { paths: { net: `/held/${id}/net`, uts: `/held/${id}/uts` }, sharedMemory: `/held/${id}/shm` };
  }

  async find({ id }: PodDescription): Promise<HeldNamespaces | undefined> {
    return this.held.has(id) ? { paths: { net: `/held/${id}/net`, uts: `/held/${id}/uts` } } : undefined;
  }

  async release({ id }: PodDescription): Promise<void> {
    this.held.delete(id);
  }
}

const NO_LOGS: Logs = {
  start: async () => ({ pid: process.pid }),
  async *read(): AsyncIterable<LogEntry> {},
};

/** Engines on one state, as several processes have them, whose containers are a fake's. */
export class EngineFixture implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "orlop-engine-"));
  readonly runtime: FakeRuntime = new FakeRuntime();
  readonly namespaces: FakeNamespaces = new FakeNamespaces();
  readonly removedRoots: ContainerRoot[] = [];
  /** Called when one is about to be removed. */
  onRootRemoved: () => void = () => {};
  readonly discarded: string[] = [];
  transients: readonly Container[] = [];
  readonly #databases: Database[] = [];

  open(): Engine {
    const database = new Database(join(this.directory, "metadata.db"));
    this.#databases.push(database);
    return new Engine({
      database,
      directory: this.directory,
      stateDirectory: join(this.directory, "run"),
      runtime: async () => this.runtime,
      roots: {
        open: async () => ({ rootfs: { kind: "directory", path: "/" }, mounts: [] }),
        remove: async (root) => {
          this.onRootRemoved();
          this.removedRoots.push(root);
        },
        discard: async (id) => void this.discarded.push(id),
      },
      logs: NO_LOGS,
      networks: async () => {
        throw new OrlopError("unsupported", "no networks");
      },
      makePipe: async () => {
        const path = join(this.directory, "pipe");
        execFileSync("mkfifo", [path]);
        // Opened for both, neither end waits for the other.
        const [reader, writer] = [openSync(path, "r+"), openSync(path, "r+")];
        rmSync(path);
        return { reader, writer };
      },
      transients: () => this.transients,
      podNamespaces: this.namespaces,
    });
  }

  /** Of the last engine. */
  database(): Database {
    const last = this.#databases.at(-1);
    if (last === undefined) throw new OrlopError("conflict", "no engine is open");
    return last;
  }

  [Symbol.dispose](): void {
    for (const database of this.#databases) database.close();
    rmSync(this.directory, { recursive: true });
  }
}

/** A container of this machine's own files that runs `true`, but for what is given. */
export function newContainer(changes: Partial<NewContainer["description"]> = {}): NewContainer {
  const process = { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 } };
  return {
    spec: { ociVersion: "1.3.0", process, root: { path: "/" } },
    description: {
      image: { text: "host" },
      root: { kind: "host" },
      runtime: "fake",
      config: { Cmd: ["true"] },
      process,
      labels: {},
      mountPoints: [],
      volumes: [],
      network: { kind: "none" },
      names: { hostname: "box", hosts: [] },
      terminal: false,
      interactive: false,
      init: false,
      autoRemove: false,
      restart: { name: "no" },
      stopSignal: 15,
      stopTimeoutMs: 10_000,
      log: { driver: "file" },
      directories: [],
      ...changes,
    },
  };
}

/** A pod without networks, but for what is given. */
export function newPod(changes: Partial<NewPod> = {}): NewPod {
  return {
    labels: {},
    share: ["net", "ipc", "uts"],
    network: { kind: "none" },
    names: { hostname: "pod", hosts: [] },
    exitPolicy: "continue",
    shmSizeBytes: 65_536,
    sysctl: {},
    annotations: {},
    ...changes,
  };
}
