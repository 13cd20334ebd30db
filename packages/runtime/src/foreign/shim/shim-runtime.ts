import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type ContainerStats,
  type CreateRequest,
  type ExecRequest,
  type ExitStatus,
  type LinuxResources,
  OrlopError,
  type Process,
  type Runtime,
  type RuntimeFeatures,
  type SignalTarget,
  type State,
  stringifyJson,
  type WaitOptions,
  type WindowSize,
} from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { stateOf } from "../../process/container-status.ts";
import { expectDeletable, expectStatus } from "../../process/expect-status.ts";
import { readHostView } from "../../process/host-view.ts";
import { outOfMemory } from "../../process/out-of-memory.ts";
import type { ZygoteLike } from "../../process/own-zygote.ts";
import { TASK_STATUS } from "../../shim-protocol/task-api.ts";
import type { ForeignContainer } from "../foreign-container.ts";
import { cancelled, checkSignal, expectRoot, ForeignContainers } from "../foreign-containers.ts";
import { runcOptions } from "./runc-options.ts";
import { ShimBinary } from "./shim-binary.ts";
import { shimFailure } from "./shim-failure.ts";
import { RUNC_ROOT, ShimKeeper } from "./shim-keeper.ts";
import { ShimStreams } from "./shim-streams.ts";
import { ShimTask } from "./shim-task.ts";
import { taskStats } from "./task-stats.ts";

export interface ShimRuntimeOptions {
  /** As containerd calls it, or the absolute path of a program: `io.containerd.runc.v2`. */
  readonly shim: string;
  /** Directory on tmpfs for the state of containers. */
  readonly root: string;
  /** What `inherit` means for the containers' stdio: this process's own, or /dev/null. */
  readonly stdio?: "inherit" | "ignore";
  /** Starts the zygote to use, instead of one of the runtime's own. */
  readonly startZygote?: () => ZygoteLike;
}

const TYPE_RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
const TYPE_PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/** Containers behind containerd shims, one shim each: every method is a call of the shim's task service. */
export class ShimRuntime implements Runtime {
  readonly name: string;
  readonly #options: ShimRuntimeOptions;
  readonly #shim: ShimBinary;
  readonly #containers: ForeignContainers;
  readonly #keeper: ShimKeeper;
  readonly #host = readHostView();
  #zygoteIfStarted: ZygoteLike | undefined;

  /** @throws OrlopError `not-found` when there is no such program, `unsupported` for an ordinary user */
  constructor(options: ShimRuntimeOptions) {
    const { shim, root } = options;
    this.#options = options;
    this.name = `shim:${shim}`;
    expectRoot(this.name, this.#host.uid);
    this.#shim = new ShimBinary(shim);
    this.#containers = new ForeignContainers(root);
    this.#keeper = new ShimKeeper({ binary: this.#shim, root, host: this.#host, zygote: () => this.#zygote });
  }

  get #zygote(): ZygoteLike {
    if (this.#zygoteIfStarted?.alive !== true) {
      this.#zygoteIfStarted = this.#options.startZygote?.() ?? Zygote.start({ stdio: this.#options.stdio ?? "ignore" });
    }
    return this.#zygoteIfStarted;
  }

  async features(): Promise<RuntimeFeatures> {
    return {
      exec: true,
      pause: true,
      update: true,
      checkpoint: false,
      terminal: true,
      sandboxes: false,
      // Nothing that a shim answers says more; what it does, its users know.
      isolation: "process",
    };
  }

  async create(request: CreateRequest): Promise<State> {
    const { id, signal } = request;
    const doing = `create container "${id}"`;
    if (signal?.aborted) throw cancelled(doing, signal);
    const container = this.#containers.get(id);
    container.make(request, this.#host);
    try {
      const task = await this.#keeper.start(request, container, doing);
      const pid = await this.#createTask(request, container, task, doing);
      if (signal?.aborted) throw cancelled(doing, signal);
      return stateOf(request, "created", pid);
    } catch (error) {
      await this.#keeper.remove(container);
      throw signal?.aborted ? cancelled(doing, signal) : error;
    }
  }

  async start(id: string): Promise<void> {
    await this.#expect(id, "start", ["created"]);
    await this.#ask(id, "start", (task) => task.call("Start", { id }));
  }

  async exec(request: ExecRequest): Promise<{ readonly pid: number | undefined }> {
    const { id, execId, process, stdio, signal } = request;
    if (request.detachKeys !== undefined) {
      const what = "its streams end with who has it made";
      throw new OrlopError("unsupported", `Cannot let go of an exec in container "${id}" by keys: ${what}`);
    }
    const doing = `exec in container "${id}"`;
    if (signal?.aborted) throw cancelled(doing, signal);
    await this.#expect(id, "exec in", ["running"]);
    const container = this.#containers.get(id);
    const directory = container.directory.exec(execId);
    directory.make(execId);
    const task = await this.#keeper.task(container);
    let streams: ShimStreams | undefined;
    try {
      const terminal = process.terminal === true;
      streams = await ShimStreams.open({
        host: this.#host,
        zygote: this.#zygote,
        directory: directory.path,
        stdio,
        terminal,
        detached: false,
        adopts: true,
        onInputEnd: () => this.#onInputEnd(id, execId),
      });
      const spec = { typeUrl: TYPE_PROCESS, value: Buffer.from(stringifyJson(process)) };
      await task.call("Exec", { id, execId, terminal, ...streams.paths, spec });
      const { pid } = await task.call("Start", { id, execId });
      streams.begin(pid);
      // A program that has ended by now has no terminal: what else is wrong is told by who waits for it.
      await resizeTo(task, process, { id, execId }).catch(() => {});
      return { pid: pid === 0 ? undefined : pid };
    } catch (error) {
      await task.call("Delete", { id, execId }).catch(() => {});
      streams?.leave();
      await streams?.end();
      directory.remove();
      throw shimFailure(doing, error);
    }
  }

  async signal(id: string, signal: number, target: SignalTarget = {}): Promise<void> {
    checkSignal(id, signal);
    const { directory } = this.#containers.known(id);
    const { execId, all = false } = target;
    if (execId !== undefined) directory.knownExec(execId);
    await this.#ask(id, "signal", (task) => task.call("Kill", { id, execId, signal, all }));
  }

  async wait(id: string, options: WaitOptions = {}): Promise<ExitStatus> {
    const container = this.#containers.known(id);
    const { execId, signal } = options;
    const streams = execId === undefined ? container.streams : container.directory.knownExec(execId);
    const { exitStatus, exitedAt } = await this.#ask(id, "wait for", (task) =>
      task.call("Wait", { id, execId }, { signal }),
    );
    await ShimStreams.of(streams.path).rest();
    // Shims report a signal as a shell does, so that an exit code that a program chose there cannot be told from one.
    const signalled = exitStatus > SIGNAL_BASE && exitStatus <= SIGNAL_BASE + SIGNALS;
    return {
      exitCode: exitStatus,
      signal: signalled ? exitStatus - SIGNAL_BASE : undefined,
      oomKilled: container.outOfMemory() || outOfMemory(container.directory.path),
      exitedAtMs: Number(exitedAt?.seconds ?? 0n) * 1000 + Math.floor((exitedAt?.nanos ?? 0) / 1e6),
      usage: undefined,
    };
  }

  async pause(id: string): Promise<void> {
    await this.#expect(id, "pause", ["running", "created"]);
    await this.#ask(id, "pause", (task) => task.call("Pause", { id }));
  }

  async resume(id: string): Promise<void> {
    await this.#expect(id, "resume", ["paused"]);
    await this.#ask(id, "resume", (task) => task.call("Resume", { id }));
  }

  async update(id: string, resources: LinuxResources): Promise<void> {
    await this.#expect(id, "update", ["created", "running", "paused"]);
    const value = Buffer.from(stringifyJson(resources));
    await this.#ask(id, "update", (task) => task.call("Update", { id, resources: { typeUrl: TYPE_RESOURCES, value } }));
  }

  async stats(id: string): Promise<ContainerStats> {
    this.#containers.known(id);
    const { stats } = await this.#ask(id, "read figures of", (task) => task.call("Stats", { id }));
    if (stats !== undefined) return taskStats(stats.typeUrl, stats.value);
    throw new OrlopError("unsupported", `Cannot read figures of container "${id}": the shim gives none`);
  }

  async pids(id: string): Promise<readonly number[]> {
    if ((await this.state(id)).status === "stopped") return [];
    const { processes } = await this.#ask(id, "list processes of", (task) => task.call("Pids", { id }));
    return processes.map(({ pid }) => pid);
  }

  async resize(id: string, size: WindowSize, options: { readonly execId?: string } = {}): Promise<void> {
    const { directory, streams: own } = this.#containers.known(id);
    const { execId } = options;
    const streams = execId === undefined ? own : directory.knownExec(execId);
    if (!streams.hasTerminal()) {
      const what = execId === undefined ? `container "${id}"` : `exec "${execId}"`;
      throw new OrlopError("conflict", `Cannot resize ${what}: it has no terminal`);
    }
    await this.#ask(id, "resize", (task) =>
      task.call("ResizePty", { id, execId, width: size.columns, height: size.rows }),
    );
  }

  async checkpoint(id: string): Promise<void> {
    throw new OrlopError("unsupported", `Cannot checkpoint container "${id}": ${this.name} is not asked for that yet`);
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const force = options.force === true;
    const container = this.#containers.knownOrNone(id, force);
    if (container === undefined) return;
    const state = await this.state(id);
    expectDeletable(state, force);
    await this.#keeper.remove(container, state.status);
  }

  async state(id: string): Promise<State> {
    const { directory } = this.#containers.known(id);
    const { ociVersion, bundle, annotations } = directory.record(id);
    const base = { ociVersion, id, bundle, annotations };
    // The keeper records the end of the shim.
    if (directory.exit() !== undefined) return { ...base, status: "stopped" };
    if (!ShimTask.isKnown(directory)) return { ...base, status: directory.supervised() ? "creating" : "stopped" };
    const { status, pid } = await this.#taskState(id);
    return { ...base, status, ...(status === "stopped" || pid === 0 ? {} : { pid }) };
  }

  list(): Promise<readonly State[]> {
    return this.#containers.list((id) => this.state(id));
  }

  /** Lets go of the zygote and the shims; containers that are not detached end. */
  close(): void {
    this.#keeper.close();
    this.#zygoteIfStarted?.close();
    this.#zygoteIfStarted = undefined;
  }

  async #createTask(
    { id, stdio, spec, detached }: CreateRequest,
    container: ForeignContainer,
    task: ShimTask,
    doing: string,
  ): Promise<number> {
    const terminal = spec.process?.terminal === true;
    const directory = container.streams.path;
    mkdirSync(directory, { mode: 0o700 });
    const streams = await ShimStreams.open({
      host: this.#host,
      zygote: this.#zygote,
      directory,
      stdio,
      terminal,
      detached: detached === true,
      adopts: false,
      onInputEnd: () => this.#onInputEnd(id, ""),
    });
    try {
      const options = this.#shim.isRunc ? runcOptions(join(this.#options.root, RUNC_ROOT)) : undefined;
      const { bundle } = container;
      const { pid } = await task.call("Create", { id, bundle, terminal, ...streams.paths, options });
      if (pid !== 0) container.keepCgroups(pid);
      streams.begin(pid);
      if (spec.process !== undefined) await resizeTo(task, spec.process, { id });
      return pid;
    } catch (error) {
      streams.leave();
      throw shimFailure(doing, error);
    }
  }

  /** The FIFO of the input ends when nobody has it open to write: our side, and the shim's own. */
  #onInputEnd(id: string, execId: string): void {
    const close = async (): Promise<void> => {
      const task = await this.#keeper.task(this.#containers.get(id));
      await task.call("CloseIO", { id, execId, stdin: true });
    };
    // A process that has ended needs no end of its input.
    void close().catch(() => {});
  }

  /** Asks the shim of a container that exists; `verb` names it in an error. */
  async #ask<T>(id: string, verb: string, ask: (task: ShimTask) => Promise<T>): Promise<T> {
    const container = this.#containers.known(id);
    try {
      return await ask(await this.#keeper.task(container));
    } catch (error) {
      throw shimFailure(`${verb} container "${id}"`, error);
    }
  }

  async #taskState(id: string): Promise<{ readonly status: State["status"]; readonly pid: number }> {
    try {
      const task = await this.#keeper.task(this.#containers.get(id));
      const { status, pid } = await task.call("State", { id });
      return { status: STATUSES.get(status) ?? "stopped", pid };
    } catch (error) {
      // The shim is there, and has not been told of the container yet.
      if ((error as OrlopError).code === "not-found") return { status: "creating", pid: 0 };
      // It is dead, whether its keeper has seen that yet or not: nobody can start or stop what it had.
      if ((error as OrlopError).code === "failed") return { status: "stopped", pid: 0 };
      throw shimFailure(`read state of container "${id}"`, error);
    }
  }

  async #expect(id: string, verb: string, statuses: readonly State["status"][]): Promise<void> {
    expectStatus(await this.state(id), verb, statuses);
  }
}

const SIGNAL_BASE = 128;
const SIGNALS = 64;

const STATUSES: ReadonlyMap<number, State["status"]> = new Map([
  [TASK_STATUS.created, "created"],
  [TASK_STATUS.running, "running"],
  [TASK_STATUS.stopped, "stopped"],
  [TASK_STATUS.paused, "paused"],
  [TASK_STATUS.pausing, "running"],
]);

async function resizeTo(task: ShimTask, { terminal, consoleSize }: Process, whose: { id: string; execId?: string }) {
  if (terminal !== true || consoleSize === undefined) return;
  await task.call("ResizePty", { ...whose, width: consoleSize.width, height: consoleSize.height });
}
