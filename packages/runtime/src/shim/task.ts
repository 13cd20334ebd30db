import { existsSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type ExitStatus, OrlopError, type Process } from "@orlop/core";
import { type CgroupDirectory, randomBytes } from "@orlop/kernel";
import { type ProcessSpec, readConfig } from "../oci/bundle.ts";
import { ContainerDirectory } from "../process/container-directory.ts";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ProcessRuntime } from "../process/process-runtime.ts";
import { type TaskEvent, type TaskEventName, timestamp } from "../shim-protocol/events-api.ts";
import { hostUid } from "./host-uid.ts";
import { LogProgram } from "./log-program.ts";
import { OomWatch } from "./oom-watch.ts";
import type { TaskCgroupDriver } from "./task-options.ts";
import { type TaskExit, TaskProcess, UNKNOWN_STATUS } from "./task-process.ts";
import { mountRoot, type TaskMount, unmountRoot } from "./task-root.ts";
import { type StreamNames, TaskStreams } from "./task-streams.ts";

const LOG_NAME_BYTES = 8;

/** What every task of a server has. */
export interface TaskHost {
  readonly runtimes: Readonly<Record<TaskCgroupDriver, ProcessRuntime>>;
  /** The same containers, seen as by another process: by what their reapers write down. */
  readonly observer: ProcessRuntime;
  /** What mounts and unmounts. */
  readonly runner: HookRunner;
  readonly namespace: string;
  /** The runtime's directory. */
  readonly containers: string;
  /** For the FIFOs of log programs. */
  readonly logs: string;
  publish<Name extends TaskEventName>(name: Name, event: TaskEvent<Name>): void;
}

interface TaskCreate {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: readonly TaskMount[];
  readonly streams: StreamNames;
  readonly cgroupDriver: TaskCgroupDriver;
  /** Of somebody who wants it no more. */
  readonly signal: AbortSignal;
}

/** An exec between its announcement and its deletion. */
interface TaskExec {
  readonly process: TaskProcess;
  readonly spec: Process;
  /** The runtime's id for it: containerd may use its own again. */
  readonly runtimeId: string;
}

/**
 * A container as containerd sees it, with its execs. Events are published before what they tell of is answered, and the end
 * of a process after its start, the end of init after those of execs (containerd, docs/runtime-v2.md, "Events").
 */
export class Task {
  readonly id: string;
  readonly bundle: string;
  readonly init: TaskProcess;
  /** The one that has made it. */
  readonly runtime: ProcessRuntime;
  readonly #host: TaskHost;
  readonly #spec: ProcessSpec;
  readonly #execs = new Map<string, TaskExec>();
  /** Those whose streams are being opened. */
  readonly #adding = new Set<string>();
  #execsMade = 0;
  /** Init's start, once it has been asked for. */
  #starting: Promise<void> | undefined;
  /** The runtime has removed what could not be started. */
  #hasFailed = false;
  #deleting: Promise<TaskExit> | undefined;
  readonly #oom: OomWatch;

  private constructor(host: TaskHost, { id, bundle, cgroupDriver }: TaskCreate, spec: ProcessSpec, init: TaskProcess) {
    this.#host = host;
    this.runtime = host.runtimes[cgroupDriver];
    this.id = id;
    this.bundle = bundle;
    this.#spec = spec;
    this.init = init;
    this.#oom = new OomWatch(this.cgroups, () => host.publish("TaskOOM", { containerId: id }));
  }

  /** Resolves when init waits for its start. What fails leaves nothing. */
  static async create(host: TaskHost, request: TaskCreate): Promise<Task> {
    const { id, bundle, rootfs, cgroupDriver, signal } = request;
    const spec = readConfig(bundle);
    expectTerminal(spec.process, request.streams);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => forgetLogs(host, id));
    const streams = undo.use(await openStreams(host, id, request.streams, spec, spec.process));
    undo.defer(() => unmountRoot(host.runner, bundle));
    await mountRoot(host.runner, rootfs, bundle);
    const runtime = host.runtimes[cgroupDriver];
    const { pid } = await runtime.create({ id, bundle, spec, stdio: streams.stdio, detached: true, signal });
    const init = new TaskProcess("", streams);
    init.becomes(pid ?? 0);
    const task = new Task(host, request, spec, init);
    undo.move();
    const { terminal, ...names } = request.streams;
    host.publish("TaskCreate", { containerId: id, bundle, rootfs, io: { ...names, terminal }, pid: init.pid });
    void task.#follow();
    return task;
  }

  /** Init, or an exec of containerd's id. Throws `not-found`. */
  process(execId: string): TaskProcess {
    return execId === "" ? this.init : this.#exec(execId).process;
  }

  /** Those that the container was made with. */
  get cgroups(): readonly CgroupDirectory[] {
    return new ContainerDirectory(join(this.#host.containers, this.id)).record(this.id).cgroups;
  }

  /** The execs that run, by pid. */
  get execIds(): ReadonlyMap<number, string> {
    return new Map(
      [...this.#execs.values()].flatMap(({ process }) => (process.pid === 0 ? [] : [[process.pid, process.execId]])),
    );
  }

  /** It has ended, and somebody else has removed it. */
  get hasVanished(): boolean {
    const isOurs = this.#deleting !== undefined || this.#hasFailed;
    return this.init.exit !== undefined && !isOurs && !existsSync(join(this.#host.containers, this.id));
  }

  async start(execId: string): Promise<TaskProcess> {
    if (execId !== "") return this.#startExec(this.#exec(execId));
    if (this.#starting !== undefined || this.init.status !== "created") {
      throw new OrlopError("conflict", `Cannot start container "${this.id}": it was started before`);
    }
    const starting = this.#startInit();
    this.#starting = starting.catch(() => {});
    await starting;
    return this.init;
  }

  async #startInit(): Promise<void> {
    try {
      await this.runtime.start(this.id);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
    this.init.runs();
    this.#host.publish("TaskStart", { containerId: this.id, pid: this.init.pid });
  }

  /** Announces an exec: it is started later. */
  async addExec(execId: string, spec: Process, names: StreamNames): Promise<void> {
    if (this.#execs.has(execId) || this.#adding.has(execId)) {
      throw new OrlopError("exists", `Cannot exec in container "${this.id}": exec "${execId}" exists`);
    }
    if (this.init.status !== "running") {
      throw new OrlopError("conflict", `Cannot exec in container "${this.id}": it is ${this.init.status}`);
    }
    expectTerminal(spec, names);
    this.#adding.add(execId);
    try {
      const streams = await openStreams(this.#host, this.id, names, this.#spec, spec);
      const process = new TaskProcess(execId, streams);
      this.#execs.set(execId, { process, spec, runtimeId: String(++this.#execsMade) });
    } finally {
      this.#adding.delete(execId);
    }
    this.#host.publish("TaskExecAdded", { containerId: this.id, execId });
  }

  async #startExec({ process, spec, runtimeId }: TaskExec): Promise<TaskProcess> {
    const { execId, streams } = process;
    if (process.status !== "created") {
      throw new OrlopError("conflict", `Cannot start exec "${execId}": it was started before`);
    }
    process.runs();
    try {
      const request = { id: this.id, execId: runtimeId, process: spec, stdio: streams.stdio };
      const { pid } = await this.runtime.exec(request);
      process.becomes(pid ?? 0);
    } catch (error) {
      // Nobody has heard of it, so nobody hears of its end.
      process.ends({ exitStatus: UNKNOWN_STATUS, atMs: Date.now() });
      throw error;
    }
    this.#host.publish("TaskExecStarted", { containerId: this.id, execId, pid: process.pid });
    void this.#awaitExit(runtimeId).then(({ exit }) => this.#tellEnd(process, exit));
    return process;
  }

  async signal(execId: string, signal: number, all: boolean): Promise<void> {
    const process = this.process(execId);
    if (process.status === "created" && execId !== "") {
      throw new OrlopError("conflict", `Cannot signal exec "${execId}": it has not been started`);
    }
    const ended = (): boolean => process.exit !== undefined;
    // In containerd's words, which its clients know.
    const finished = (): OrlopError =>
      new OrlopError("not-found", `Cannot signal "${execId || this.id}": process already finished: not found`);
    if (ended()) throw finished();
    try {
      const target = execId === "" ? { all } : { execId: this.#exec(execId).runtimeId };
      await this.runtime.signal(this.id, signal, target);
      if (signal === constants.signals.SIGKILL && execId === "") await this.#thaw();
    } catch (error) {
      // The runtime knows of an end before we do.
      if ((error as OrlopError).code === "conflict" || ended()) throw finished();
      throw error;
    }
  }

  /** A process that is frozen does not end. */
  async #thaw(): Promise<void> {
    try {
      if ((await this.runtime.state(this.id)).status === "paused") await this.runtime.resume(this.id);
    } catch {
      // It has ended by now.
    }
  }

  async resize(execId: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    const exec = execId === "" ? undefined : this.#exec(execId);
    // The size of a terminal that is not there yet, or not any more, is nobody's.
    if (this.process(execId).status === "stopped" || exec?.process.status === "created") return;
    await this.runtime.resize(this.id, size, exec === undefined ? {} : { execId: exec.runtimeId });
  }

  /** Removes an exec that does not run. */
  deleteExec(execId: string): TaskProcess {
    const { process } = this.#exec(execId);
    if (process.status === "running") {
      throw new OrlopError("conflict", `Cannot delete exec "${execId}": it is running`);
    }
    this.#execs.delete(execId);
    process[Symbol.dispose]();
    this.#publishDelete(process, execId);
    return process;
  }

  /** Removes the container, unless it runs. Whoever asks meanwhile gets the same answer. */
  async delete(): Promise<TaskExit> {
    if (this.init.status === "running") {
      throw new OrlopError("conflict", `Cannot delete container "${this.id}": it is running`);
    }
    this.#deleting ??= this.#delete();
    try {
      return await this.#deleting;
    } catch (error) {
      this.#deleting = undefined;
      throw error;
    }
  }

  async #delete(): Promise<TaskExit> {
    await this.runtime.delete(this.id, { force: true });
    const exit = await this.init.exited;
    await unmountRoot(this.#host.runner, this.bundle);
    forgetLogs(this.#host, this.id);
    for (const { process } of this.#execs.values()) process[Symbol.dispose]();
    this.#publishDelete(this.init, "");
    return exit;
  }

  #publishDelete({ pid, exit }: TaskProcess, id: string): void {
    const at = exit === undefined ? {} : { exitStatus: exit.exitStatus, exitedAt: timestamp(exit.atMs) };
    this.#host.publish("TaskDelete", { containerId: this.id, pid, id, ...at });
  }

  #exec(execId: string): TaskExec {
    const exec = this.#execs.get(execId);
    if (exec !== undefined) return exec;
    throw new OrlopError("not-found", `Cannot find exec "${execId}" of container "${this.id}": it does not exist`);
  }

  /** Sees init to its end, and tells it when everything that comes before has been told. */
  async #follow(): Promise<void> {
    const { exit, oomKilled } = await this.#awaitExit(undefined);
    await this.#starting;
    const running = [...this.#execs.values()].filter(({ process }) => process.status === "running");
    // What shares a pid namespace with others does not end with init.
    if (running.length > 0 || !this.#ownsPids) await this.#killAll();
    await Promise.all(running.map(({ process }) => process.exited));
    this.#oom[Symbol.dispose]();
    if (oomKilled && !this.#oom.hasHeard) this.#host.publish("TaskOOM", { containerId: this.id });
    this.#tellEnd(this.init, exit);
  }

  get #ownsPids(): boolean {
    return this.#spec.linux?.namespaces?.some(({ type, path }) => type === "pid" && path === undefined) === true;
  }

  /** Of init, or of an exec by the runtime's id. Where the end cannot be known, it is made sure. */
  async #awaitExit(runtimeId: string | undefined): Promise<{ readonly exit: TaskExit; readonly oomKilled: boolean }> {
    const { observer } = this.#host;
    const options = runtimeId === undefined ? {} : { execId: runtimeId };
    try {
      // Where our zygote has been killed, the reapers go on.
      const status = await this.runtime.wait(this.id, options).catch(() => observer.wait(this.id, options));
      return { exit: taskExit(status), oomKilled: status.oomKilled };
    } catch {
      if (runtimeId === undefined) await this.#killAll();
      return { exit: { exitStatus: UNKNOWN_STATUS, atMs: Date.now() }, oomKilled: false };
    }
  }

  async #killAll(): Promise<void> {
    try {
      await this.runtime.signal(this.id, constants.signals.SIGKILL, { all: true });
    } catch {
      // There is nobody, or, without a cgroup, nobody that we know: a pid namespace ends with its init.
    }
  }

  #tellEnd(process: TaskProcess, exit: TaskExit): void {
    process.ends(exit);
    this.#host.publish("TaskExit", {
      containerId: this.id,
      id: process.execId || this.id,
      pid: process.pid,
      exitStatus: exit.exitStatus,
      exitedAt: timestamp(exit.atMs),
    });
  }
}

function taskExit({ exitCode, exitedAtMs }: ExitStatus): TaskExit {
  return { exitStatus: exitCode, atMs: exitedAtMs };
}

function openStreams(
  { logs, namespace, runner }: TaskHost,
  id: string,
  names: StreamNames,
  spec: ProcessSpec,
  { user }: Process,
): Promise<TaskStreams> {
  const directory = join(logs, id, randomBytes(LOG_NAME_BYTES).toString("hex"));
  return TaskStreams.open(names, hostUid(spec, user.uid) ?? 0, (uri) =>
    LogProgram.start({ uri, id, namespace, directory, runner }),
  );
}

/** Of all processes of a container. */
function forgetLogs({ logs }: TaskHost, id: string): void {
  rmSync(join(logs, id), { recursive: true, force: true });
}

function expectTerminal({ terminal = false }: Process, names: StreamNames): void {
  if (terminal === names.terminal) return;
  const [asked, other] = terminal ? ["config", "request"] : ["request", "config"];
  throw new OrlopError("invalid", `Cannot give a terminal: the ${asked} asks for one and the ${other} does not`, {
    field: "process.terminal",
  });
}
