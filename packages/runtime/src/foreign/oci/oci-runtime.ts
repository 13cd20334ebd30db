import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, join } from "node:path";
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
  type StartedExec,
  type State,
  type Stdio,
  stringifyJson,
  type WaitOptions,
  type WindowSize,
} from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { abortable } from "../../process/abortable.ts";
import { ContainerDirectory } from "../../process/container-directory.ts";
import { stateOf } from "../../process/container-status.ts";
import { checkDetachKeys } from "../../process/detach-keys.ts";
import { forgetEndedExecs } from "../../process/ended-execs.ts";
import { exitStatus } from "../../process/exit-status.ts";
import { expectDeletable, expectStatus } from "../../process/expect-status.ts";
import { FollowedProgram } from "../../process/followed-program.ts";
import { readHostView } from "../../process/host-view.ts";
import type { ZygoteLike } from "../../process/own-zygote.ts";
import { resizeTerminal } from "../../process/resize-terminal.ts";
import type { SupervisionOptions } from "../../process/supervision.ts";
import { COMMAND_FAILED, compileForeign, type ForeignPlan, PID_FILE } from "../compile-foreign.ts";
import type { ForeignContainer } from "../foreign-container.ts";
import { cancelled, checkSignal, expectRoot, ForeignContainers } from "../foreign-containers.ts";
import type { HostCommand } from "../host-command.ts";
import { environmentWords, hostEnvironment } from "../host-environment.ts";
import { rootOf } from "../hosted-spec.ts";
import { execTerminalSocket, terminalSocketPath } from "../terminal-socket.ts";
import { decodePids, decodeState } from "./oci-answers.ts";
import { OciBinary, readLoggedError } from "./oci-binary.ts";
import { ociFailure } from "./oci-failure.ts";

export interface OciRuntimeOptions {
  /** A program on PATH, or an absolute path: `runc`, `/opt/bin/crun`. */
  readonly binary: string;
  /** Directory on tmpfs for the state of containers. */
  readonly root: string;
  /** What `inherit` means for the containers' stdio: this process's own, or /dev/null. */
  readonly stdio?: "inherit" | "ignore";
  /** Starts the zygote to use, instead of one of the runtime's own. */
  readonly startZygote?: () => ZygoteLike;
}

/** In the directory of a container: what went wrong while it was made. */
const MAKE_LOG = "make.log";

/** Containers that another OCI runtime makes: every method is a verb of its command line. */
export class OciRuntime implements Runtime {
  readonly name: string;
  readonly #options: OciRuntimeOptions;
  readonly #binary: OciBinary;
  readonly #containers: ForeignContainers;
  readonly #host = readHostView();
  readonly #ours = new Map<string, FollowedProgram>();
  #zygoteIfStarted: ZygoteLike | undefined;
  #verbs = 0;

  /** @throws OrlopError `not-found` when there is no such program, `unsupported` for an ordinary user */
  constructor(options: OciRuntimeOptions) {
    this.#options = options;
    this.name = `oci:${options.binary}`;
    expectRoot(this.name, this.#host.uid);
    this.#binary = new OciBinary(options.binary, join(options.root, ".runtime"));
    this.#containers = new ForeignContainers(options.root);
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
      isolation: basename(this.#binary.path).startsWith("runsc") ? "sentry" : "process",
    };
  }

  async create(request: CreateRequest): Promise<State> {
    const { id } = request;
    const doing = `create container "${id}"`;
    if (request.signal?.aborted) throw cancelled(doing, request.signal);
    const container = this.#containers.get(id);
    container.make(request, this.#host);
    try {
      const plan = this.#createPlan(request, container);
      const followed = this.#submit(plan);
      this.#ours.set(id, followed);
      const pid = await this.#made(plan, followed, doing, request.signal);
      container.keepCgroups(pid);
      return stateOf(request, "created", pid);
    } catch (error) {
      // Where the reaper lives it has removed what there was.
      if (this.#ours.get(id)?.lost !== false) await this.#run(id, "delete", "delete", "--force", id).catch(() => {});
      await container.sweep(this.#binary.stateOf(id));
      this.#forget(id);
      throw error;
    }
  }

  async start(id: string): Promise<void> {
    await this.#expect(id, "start", ["created"]);
    await this.#run(id, "start", "start", id);
  }

  async exec(request: ExecRequest): Promise<StartedExec> {
    const { id, execId, process, detachKeys } = request;
    checkDetachKeys(detachKeys, process);
    await this.#expect(id, "exec in", ["running"]);
    const container = this.#containers.get(id).directory;
    const directory = container.exec(execId);
    forgetEndedExecs(container);
    directory.make(execId);
    try {
      const plan = this.#execPlan(request, directory);
      const followed = this.#submit(plan);
      const pid = await this.#made(plan, followed, `exec in container "${id}"`, request.signal);
      return { pid, detached: followed.detached };
    } catch (error) {
      directory.remove();
      throw error;
    }
  }

  async signal(id: string, signal: number, target: SignalTarget = {}): Promise<void> {
    checkSignal(id, signal);
    const { directory } = this.#containers.known(id);
    if (target.execId !== undefined) {
      const exec = directory.knownExec(target.execId);
      if (exec.exit() !== undefined) {
        throw new OrlopError("conflict", `Cannot signal "${target.execId}": it has ended`);
      }
      exec.command("signal", signal);
      return;
    }
    if (directory.exit() !== undefined && target.all !== true) {
      throw new OrlopError("conflict", `Cannot signal container "${id}": it is not running`);
    }
    await this.#run(id, "signal", "kill", ...(target.all ? ["--all"] : []), id, String(signal));
  }

  async wait(id: string, options: WaitOptions = {}): Promise<ExitStatus> {
    const container = this.#containers.known(id);
    const { execId, signal } = options;
    const directory = execId === undefined ? container.directory : container.directory.knownExec(execId);
    const exited = execId === undefined ? this.#ours.get(id)?.exited.promise : undefined;
    const report =
      directory.exit() ?? (await (exited === undefined ? directory.waitForExit(signal) : abortable(exited, signal)));
    if (execId !== undefined) directory.collect();
    return exitStatus(report, container.outOfMemory());
  }

  async pause(id: string): Promise<void> {
    await this.#expect(id, "pause", ["running", "created"]);
    await this.#run(id, "pause", "pause", id);
    await this.#untilPaused(id);
  }

  async resume(id: string): Promise<void> {
    await this.#expect(id, "resume", ["paused"]);
    await this.#run(id, "resume", "resume", id);
  }

  async update(id: string, resources: LinuxResources): Promise<void> {
    await this.#expect(id, "update", ["created", "running", "paused"]);
    const file = this.#containers.get(id).path(`resources-${++this.#verbs}.json`);
    writeFileSync(file, stringifyJson(resources), { mode: 0o600 });
    try {
      await this.#run(id, "update", "update", "--resources", file, id);
    } finally {
      rmSync(file, { force: true });
    }
  }

  async stats(id: string): Promise<ContainerStats> {
    return this.#containers.known(id).stats();
  }

  async pids(id: string): Promise<readonly number[]> {
    const container = this.#containers.known(id);
    if (container.directory.exit() !== undefined) return [];
    return decodePids(id, await this.#run(id, "list processes of", "ps", "--format", "json", id));
  }

  async resize(id: string, size: WindowSize, options: { readonly execId?: string } = {}): Promise<void> {
    resizeTerminal(this.#containers.known(id).directory, id, size, options.execId);
  }

  async checkpoint(id: string): Promise<void> {
    throw new OrlopError("unsupported", `Cannot checkpoint container "${id}": ${this.name} is not asked for that yet`);
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const force = options.force === true;
    const directory = this.#containers.knownOrNone(id, force)?.directory;
    if (directory === undefined) return;
    const state = await this.state(id);
    expectDeletable(state, force);
    const reaperIsGone = (): Promise<void> => this.#ours.get(id)?.ended.promise ?? directory.waitForReaper();
    if (state.status === "creating") {
      // The reaper lets the runtime finish, and removes what it made.
      directory.tryCommand("signal", constants.signals.SIGKILL);
      await reaperIsGone();
    }
    // A process that is frozen does not end.
    if (state.status === "paused") await this.#run(id, "resume", "resume", id);
    await this.#run(id, "delete", "delete", ...(force ? ["--force"] : []), id).catch((error: OrlopError) => {
      // The reaper has removed it already, when its maker died.
      if (error.code !== "not-found") throw error;
    });
    await reaperIsGone();
    await this.#containers.get(id).sweep(this.#binary.stateOf(id));
    this.#forget(id);
  }

  async state(id: string): Promise<State> {
    const { directory } = this.#containers.known(id);
    const { ociVersion, bundle, annotations } = directory.record(id);
    const base = { ociVersion, id, bundle, annotations };
    if (directory.exit() !== undefined) return { ...base, status: "stopped" };
    if (directory.created() === undefined) {
      return { ...base, status: directory.supervised() ? "creating" : "stopped" };
    }
    const { status, pid } = await this.#foreignState(id);
    return { ...base, status, ...(status === "stopped" ? {} : { pid }) };
  }

  list(): Promise<readonly State[]> {
    return this.#containers.list((id) => this.state(id));
  }

  /** Lets go of the zygote; containers that are not detached end. */
  close(): void {
    this.#zygoteIfStarted?.close();
    this.#zygoteIfStarted = undefined;
  }

  #submit(plan: ForeignPlan): FollowedProgram {
    const program = compileForeign(plan);
    const followed = new FollowedProgram(program);
    this.#zygote.submit(program, followed.onReport);
    return followed;
  }

  /** Resolves with the pid once the runtime has made what was asked for; until then an abort ends the making. */
  async #made(
    { stateDirectory }: ForeignPlan,
    followed: FollowedProgram,
    doing: string,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const directory = new ContainerDirectory(stateDirectory);
    const end = (): void => directory.tryCommand("signal", constants.signals.SIGKILL);
    signal?.addEventListener("abort", end, { once: true });
    try {
      const pid = await followed.created.promise;
      if (signal?.aborted !== true) return pid;
      end();
      await followed.ended.promise;
      throw cancelled(doing, signal);
    } catch (error) {
      await followed.ended.promise;
      if (signal?.aborted) throw cancelled(doing, signal);
      if ((error as OrlopError).field !== COMMAND_FAILED) throw error;
      throw ociFailure(doing, readLoggedError(join(stateDirectory, MAKE_LOG)), "the runtime did not say why");
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  #createPlan(request: CreateRequest, container: ForeignContainer): ForeignPlan {
    const rootfs = rootOf(request);
    const path = container.writeBundle(request, this.#host);
    const { spec, stdio, detached, id } = request;
    const supervision = this.#supervision(container.directory, stdio, spec.process, detached === true);
    return {
      ...supervision,
      make: this.#maker(supervision, "create", ["--bundle", container.bundle], id),
      pid: "file",
      remove: { ...this.#command(supervision, "delete", "--force", id), stdio: REMOVE_OUTPUT },
      root: rootfs.kind === "directory" ? undefined : { request, rootfs, path },
      hidden: this.#binary.hidden,
    };
  }

  #execPlan({ id, execId, process, stdio, detachKeys }: ExecRequest, directory: ContainerDirectory): ForeignPlan {
    const file = join(directory.path, "process.json");
    writeFileSync(file, stringifyJson(process), { mode: 0o600 });
    const supervision = {
      ...this.#supervision(directory, stdio, process, false),
      terminalSocket: execTerminalSocket(this.#containers.get(id).directory.path, execId),
    };
    return {
      ...supervision,
      ...(detachKeys === undefined ? {} : { detachKeys }),
      make: this.#maker(supervision, "exec", ["--detach", "--process", file], id),
      pid: "file",
      remove: undefined,
      root: undefined,
      hidden: this.#binary.hidden,
    };
  }

  #supervision(
    directory: ContainerDirectory,
    stdio: Stdio,
    process: Process | undefined,
    detached: boolean,
  ): SupervisionOptions {
    const terminal = process?.terminal === true;
    return { host: this.#host, stateDirectory: directory.path, stdio, terminal, detached };
  }

  /** The verb that makes a process, with what tells us of it. */
  #maker(supervision: SupervisionOptions, verb: string, words: readonly string[], id: string): HostCommand {
    const pidFile = join(supervision.stateDirectory, PID_FILE);
    const terminal = supervision.terminal ? ["--console-socket", terminalSocketPath(supervision)] : [];
    return this.#command(supervision, verb, ...words, "--pid-file", pidFile, ...terminal, id);
  }

  #command({ stateDirectory }: SupervisionOptions, ...words: readonly string[]): HostCommand {
    const argv = this.#binary.command(join(stateDirectory, MAKE_LOG), ...words);
    return { argv, env: environmentWords(hostEnvironment()), directory: "/", stdio: "container" };
  }

  /** Runs a verb about a container that exists. */
  #run(id: string, verb: string, ...words: readonly string[]): Promise<string> {
    const log = this.#containers.get(id).path(`${verb.split(" ", 1)[0]}-${process.pid}-${++this.#verbs}.log`);
    return this.#binary.run(`${verb} container "${id}"`, log, ...words);
  }

  async #expect(id: string, verb: string, statuses: readonly State["status"][]): Promise<void> {
    expectStatus(await this.state(id), verb, statuses);
  }

  /** With cgroups of version 1 crun only asks the kernel to freeze, and ends before it has. */
  async #untilPaused(id: string): Promise<void> {
    const deadline = performance.now() + PAUSE_TIME_MAX_MS;
    for (let state = await this.state(id); state.status !== "paused"; state = await this.state(id)) {
      if (state.status === "stopped") {
        throw new OrlopError("conflict", `Cannot pause container "${id}": it has ended meanwhile`);
      }
      if (performance.now() < deadline) continue;
      await this.#run(id, "resume", "resume", id);
      throw new OrlopError(
        "failed",
        `Cannot pause container "${id}": it did not stand still in ${PAUSE_TIME_MAX_MS} ms`,
      );
    }
  }

  async #foreignState(id: string): Promise<Pick<State, "status" | "pid">> {
    let text: string;
    try {
      text = await this.#run(id, "read state of", "state", id);
    } catch (error) {
      // Somebody has deleted it behind our back: what is left to say is that it does not run.
      if ((error as OrlopError).code === "not-found") return { status: "stopped" };
      throw error;
    }
    return decodeState(id, text);
  }

  #forget(id: string): void {
    this.#ours.delete(id);
    this.#containers.get(id).directory.remove();
  }
}

const PAUSE_TIME_MAX_MS = 10_000;
const REMOVE_OUTPUT = { stdout: "remove.out", stderr: "remove.err" } as const;
