import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import {
  type CheckpointOptions,
  type ContainerStats,
  type CreateRequest,
  type ExecRequest,
  type ExitStatus,
  type LinuxResources,
  OrlopError,
  parseContainerId,
  type RestoreOptions,
  type Runtime,
  type RuntimeFeatures,
  type SignalTarget,
  type StartedExec,
  type State,
  type WaitOptions,
  type WindowSize,
} from "@orlop/core";
import {
  freezeCgroup,
  listProcesses,
  readCgroupStats,
  type SeccompProgram,
  type SystemdConnection,
  thawCgroup,
  Zygote,
} from "@orlop/kernel";
import { dumpContainer } from "../criu/dump-container.ts";
import { criuPath, findCriu } from "../criu/find-criu.ts";
import { beginRestoring, type Restoring } from "../criu/restoring.ts";
import { connectSystemd } from "../systemd/connect-systemd.ts";
import { followExec } from "../systemd/follow-exec.ts";
import { removeContainerCgroups, removeEmptyCgroups } from "../systemd/remove-container-cgroups.ts";
import { updateLimits } from "../systemd/update-limits.ts";
import { abortable } from "./abortable.ts";
import { awaitExit } from "./await-exit.ts";
import { beginContainer } from "./begin-container.ts";
import type { CreatePlan } from "./compilation.ts";
import { ContainerDirectory } from "./container-directory.ts";
import { type HookRunner, runContainerHooks, runHooksAtStop, runPoststopHooks } from "./container-hooks.ts";
import { ContainerPlanner } from "./container-planner.ts";
import type { ContainerRecord } from "./container-record.ts";
import { containerStats } from "./container-stats.ts";
import { readState, stateOf, thawIfFrozen, unsupervisedInit } from "./container-status.ts";
import { endProcess } from "./end-process.ts";
import { forgetEndedExecs } from "./ended-execs.ts";
import { execPlace, ownExecPlace } from "./exec-place.ts";
import { expectDeletable, expectStatus } from "./expect-status.ts";
import type { FollowedProgram } from "./followed-program.ts";
import { awaitForeignStart } from "./foreign-start.ts";
import { KeptWork } from "./keep-programs.ts";
import { type HookedContainer, keptRequest, keptRequestIfWhole } from "./kept-request.ts";
import { mayHaveEnded } from "./may-have-ended.ts";
import { OwnExecs } from "./own-execs.ts";
import { OwnZygote } from "./own-zygote.ts";
import { planExec } from "./plan-exec.ts";
import type { ProcessRuntimeOptions } from "./process-runtime-options.ts";
import { resizeTerminal } from "./resize-terminal.ts";
import { SIGNAL_MAX } from "./send-signal.ts";
import { signalAll } from "./signal-all.ts";
import { statesOf } from "./states-of.ts";
import { WORD } from "./supervision.ts";

/** What this process knows beyond the container's directory: it made the container, and hears its reaper. */
interface Ours {
  readonly followed: FollowedProgram;
  /** Until it runs: from there on what there is left to do for it is in its directory, as for any other process. */
  request: CreateRequest | undefined;
  readonly record: ContainerRecord;
  /** The filter of its processes. */
  readonly seccomp: SeccompProgram | undefined;
  /** We are who starts it, and run the hooks of the start. */
  starting: boolean;
}

/**
 * Containers as processes of this kernel, made by programs through a zygote.
 *
 * All state is in the root directory, so that any process may ask for, signal, exec into and delete a container that
 * another one made.
 */
export class ProcessRuntime implements Runtime {
  readonly name = "process";
  readonly #root: string;
  readonly #options: ProcessRuntimeOptions;
  readonly #planner: ContainerPlanner;
  readonly #ours = new Map<string, Ours>();
  readonly #execs = new OwnExecs();
  readonly #kept: KeptWork;
  readonly #zygote: OwnZygote;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#root = options.root;
    const { cgroupDriver: driver = "cgroupfs", maker, kept = new KeptWork(), resctrl, sweeps = true } = options;
    this.#kept = kept;
    this.#planner = new ContainerPlanner({ driver, ownCgroups: maker?.ownCgroups, kept, resctrl });
    const { stdio = "ignore", startZygote = () => Zygote.start({ stdio }), enterOwnCgroup } = options;
    this.#zygote = new OwnZygote(startZygote, enterOwnCgroup);
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    if (sweeps) ContainerDirectory.sweep(this.#root);
  }

  async features(): Promise<RuntimeFeatures> {
    const { uid } = this.#planner.host;
    return {
      exec: true,
      pause: true,
      update: true,
      // Looked for when somebody wants to know: most who ask want something else.
      get checkpoint() {
        return uid === 0 && criuPath(process.env.PATH) !== undefined;
      },
      terminal: true,
      sandboxes: false,
      isolation: "process",
    };
  }

  /** `create` and `start` in one go: nothing waits in between, so that it is quicker. */
  async run(request: CreateRequest): Promise<State> {
    const { layers } = this.#options;
    return await (layers === undefined ? this.#run(request) : layers.run(request, (each) => this.#run(each)));
  }

  async #run(request: CreateRequest): Promise<State> {
    using systemd = await this.#connectSystemd();
    await this.#enterOwnCgroup(request);
    const { followed } = this.#submit(request, false, systemd);
    await this.#settle(request.id, followed.started.promise);
    await this.#poststart(request.id);
    this.#letGoOfRequest(request.id);
    return stateOf(request, "running", await followed.created.promise);
  }

  async create(request: CreateRequest): Promise<State> {
    const { layers } = this.#options;
    return await (layers === undefined ? this.#create(request) : layers.run(request, (each) => this.#create(each)));
  }

  async #create(request: CreateRequest): Promise<State> {
    using systemd = await this.#connectSystemd();
    await this.#enterOwnCgroup(request);
    const { followed } = this.#submit(request, true, systemd);
    await this.#settle(request.id, followed.created.promise);
    return stateOf(request, "created", await followed.created.promise);
  }

  async start(id: string): Promise<void> {
    const state = await this.state(id);
    if (state.status !== "created") {
      throw new OrlopError("conflict", `Cannot start container "${id}": it is ${state.status}`);
    }
    const directory = this.#directory(id);
    const ours = this.#ours.get(id);
    if (ours !== undefined) ours.starting = true;
    directory.command("start");
    if (ours === undefined) await this.#awaitStart(id, directory);
    else await this.#settle(id, ours.followed.started.promise);
    await this.#poststart(id);
    this.#letGoOfRequest(id);
  }

  async exec(request: ExecRequest): Promise<StartedExec> {
    const { id, execId } = request;
    const container = this.#directory(id);
    const place = ownExecPlace(id, container, this.#ours.get(id)) ?? execPlace(id, container, this.#planner.host);
    const directory = container.exec(execId);
    const { afterwards = (work) => work(), maker: { handover } = {} } = this.#options;
    if (place.record.cgroups.length > 0) await this.#enterOwnCgroup({ id });
    const plan = planExec(request, place, this.#planner.host, handover);
    const program = this.#kept.execs.program(plan);
    // Before there is one more, which may have ended by the time that they are counted.
    afterwards(() => forgetEndedExecs(container));
    directory.make(execId);
    const followed = followExec(program, directory, plan.unit, process.env);
    this.#zygote.current.submit(program, followed.onReport);
    this.#execs.add(directory, followed);
    try {
      await followed.started.promise;
      return { pid: await followed.created.promise, detached: followed.detached };
    } catch (error) {
      await followed.ended.promise;
      directory.remove();
      throw error;
    }
  }

  async signal(id: string, signal: number, target: SignalTarget = {}): Promise<void> {
    if (!Number.isInteger(signal) || signal < 0 || signal > SIGNAL_MAX) {
      throw new OrlopError("invalid", `Cannot signal container "${id}": there is no signal ${signal}`);
    }
    const state = await this.state(id);
    const directory = this.#directory(id);
    if (target.all) return await signalAll(directory.record(id), signal);
    if (state.status === "stopped")
      throw new OrlopError("conflict", `Cannot signal container "${id}": it is not running`);
    const addressee = target.execId === undefined ? directory : directory.knownExec(target.execId);
    // The reaper takes commands until it has cleaned up, which is after the end.
    if (addressee.exit() !== undefined) {
      throw new OrlopError("conflict", `Cannot signal "${target.execId ?? id}": it has ended`);
    }
    addressee.command("signal", signal);
  }

  async wait(id: string, options: WaitOptions = {}): Promise<ExitStatus> {
    const { followed: init, record } = this.#ours.get(id) ?? {};
    const { afterwards } = this.#options;
    return await awaitExit(this.#directory(id), id, options, { init, record, execs: this.#execs, afterwards });
  }

  async pause(id: string): Promise<void> {
    expectStatus(await this.state(id), "pause", ["running", "created"]);
    await freezeCgroup(this.#directory(id).record(id).cgroups);
  }

  async resume(id: string): Promise<void> {
    expectStatus(await this.state(id), "resume", ["paused"]);
    thawCgroup(this.#directory(id).record(id).cgroups);
  }

  async update(id: string, resources: LinuxResources): Promise<void> {
    const state = await this.state(id);
    if (state.status === "stopped")
      throw new OrlopError("conflict", `Cannot update container "${id}": it is not running`);
    await updateLimits(this.#hookRunner, this.#directory(id).record(id), { resources, env: process.env });
  }

  async stats(id: string): Promise<ContainerStats> {
    return containerStats(readCgroupStats(this.#directory(id).record(id).cgroups));
  }

  async pids(id: string): Promise<readonly number[]> {
    return listProcesses(this.#directory(id).record(id).cgroups);
  }

  async resize(id: string, size: WindowSize, options: { readonly execId?: string } = {}): Promise<void> {
    const container = this.#directory(id);
    container.record(id);
    resizeTerminal(container, id, size, options.execId);
  }

  async checkpoint(id: string, options: CheckpointOptions): Promise<void> {
    const state = await this.state(id);
    expectStatus(state, "checkpoint", ["running", "paused"]);
    const criu = await findCriu(process.env, `checkpoint container "${id}"`);
    const record = this.#directory(id).record(id);
    const imagePath = resolve(options.imagePath);
    await dumpContainer(this.#hookRunner, { record, pid: state.pid as number }, criu, { ...options, imagePath });
  }

  async restore(request: CreateRequest, options: RestoreOptions): Promise<State> {
    const imagePath = resolve(options.imagePath);
    const restoring = await beginRestoring(request.id, process.env, { ...options, imagePath });
    using systemd = await this.#connectSystemd();
    await this.#enterOwnCgroup(request);
    const { followed } = this.#submit(request, false, systemd, restoring);
    try {
      await this.#settle(request.id, followed.started.promise);
    } catch (error) {
      throw error instanceof OrlopError ? restoring.failure(error) : error;
    }
    return stateOf(request, "running", await followed.created.promise);
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const directory = this.#directory(id);
    const ours = this.#ours.get(id);
    if (ours?.record.ownPidNamespace === true && ours.followed.exitedCleanly) {
      await ours.followed.ended.promise;
      if (ours.followed.lost) await this.#cleanUp(id);
      // The reaper knows only the cgroups that it made; a container that may write there can have made more below.
      await removeEmptyCgroups(ours.record, process.env, ours.followed.cgroupsRemoved);
      await this.#poststop(id);
      this.#forget(id);
      return;
    }
    let record: ContainerRecord;
    try {
      record = directory.record(id);
    } catch (error) {
      if (!options.force || (error as OrlopError).code !== "not-found") throw error;
      // Of a container whose maker died at once there is a directory without a record.
      directory.remove();
      return;
    }
    const state = await this.state(id);
    expectDeletable(state, options.force === true);
    if (state.status !== "stopped") await this.#kill(id, directory, record);
    await this.#ours.get(id)?.followed.ended.promise;
    await removeContainerCgroups(record, process.env);
    await this.#poststop(id);
    this.#forget(id);
  }

  async state(id: string): Promise<State> {
    const directory = this.#directory(id);
    return readState(directory, directory.record(id), this.#planner.host);
  }

  async list(): Promise<readonly State[]> {
    return await statesOf(this.#root, (id) => this.state(id));
  }

  mayHaveEnded(inits: ReadonlyMap<string, number>): ReadonlySet<string> {
    return mayHaveEnded(this.#root, inits, (id) => this.#ours.get(id)?.followed.runningPid);
  }

  /** Lets go of the zygote; containers that are not detached end. */
  close(): void {
    this.#zygote.close();
  }

  /** What `create` would execute, for those who want to read it first; not with systemd, which has a say in it. */
  plan(request: CreateRequest, startOnCommand: boolean): CreatePlan {
    return this.#planner.plan(request, this.#directory(request.id).path, { startOnCommand });
  }

  #submit(
    request: CreateRequest,
    startOnCommand: boolean,
    systemd: SystemdConnection | undefined,
    restoring?: Restoring,
  ): Ours {
    const { id } = request;
    if (request.signal?.aborted) throw cancelled(id, request.signal);
    const style = { ...this.#options.maker?.handover, startOnCommand };
    const plan = this.#planner.plan(request, this.#directory(id).path, style, systemd);
    const { followed, record } = beginContainer({
      plan,
      directory: this.#directory(id),
      zygote: this.#zygote.current,
      request,
      systemd,
      compile: (created) => this.#kept.creates.program(created),
      onStop: (word, pid) => void this.#onStop(id, word, pid, restoring),
      ...restoring?.program(this.#planner.cgroupLayout, true),
    });
    const ours = { followed, request, record, seccomp: plan.seccomp, starting: !startOnCommand };
    this.#ours.set(id, ours);
    this.#cancelOnAbort(request, followed, startOnCommand ? followed.created.promise : followed.started.promise);
    return ours;
  }

  /** Of a container that another process made. */
  async #awaitStart(id: string, directory: ContainerDirectory): Promise<void> {
    try {
      await awaitForeignStart(this.#hookRunner, directory, directory.record(id));
    } catch (error) {
      await this.delete(id, { force: true });
      throw error;
    }
  }

  /** Until the milestone that the caller waits for, an abort ends the container. */
  #cancelOnAbort({ id, signal }: CreateRequest, followed: FollowedProgram, milestone: Promise<unknown>): void {
    if (signal === undefined) return;
    const abort = (): void => {
      followed.blame(cancelled(id, signal));
      this.#directory(id).tryCommand("signal", constants.signals.SIGKILL);
    };
    signal.addEventListener("abort", abort, { once: true });
    void Promise.race([milestone, followed.ended.promise])
      .catch(() => {})
      .then(() => signal.removeEventListener("abort", abort));
  }

  /** Waits for a milestone; a failure before it leaves nothing. */
  async #settle(id: string, milestone: Promise<unknown>): Promise<void> {
    try {
      await milestone;
      const signal = this.#ours.get(id)?.request?.signal;
      if (signal?.aborted) {
        this.#directory(id).command("signal", constants.signals.SIGKILL);
        throw cancelled(id, signal);
      }
    } catch (error) {
      this.#planner.forgetMachine();
      await this.#cleanUp(id);
      this.#forget(id);
      throw error;
    }
  }

  /** Waits until the reaper has removed what it made; does its work when it was killed, or left others in the cgroups. */
  async #cleanUp(id: string): Promise<void> {
    const ours = this.#ours.get(id);
    await ours?.followed.ended.promise;
    const record = ours?.record ?? this.#directory(id).record(id);
    if (ours?.followed.lost === false && record.ownPidNamespace && record.unit === undefined) return;
    await removeContainerCgroups(record, process.env);
  }

  /** What hooks of the container are run with, whoever made it. */
  #hooked(id: string, read = keptRequest): HookedContainer | undefined {
    const directory = this.#directory(id);
    const ours = this.#ours.get(id);
    return ours?.request ?? read(directory.path, ours?.record ?? directory.record(id));
  }

  /** Where that makes the cgroups. */
  async #connectSystemd(): Promise<SystemdConnection | undefined> {
    if (this.#options.cgroupDriver !== "systemd") return undefined;
    return await connectSystemd(this.#planner.host.rootless, process.env);
  }

  /** So that what the zygote starts can be put into cgroups. */
  async #enterOwnCgroup({ id, signal }: Pick<CreateRequest, "id" | "signal">): Promise<void> {
    const { enterOwnCgroup, maker } = this.#options;
    if (enterOwnCgroup === undefined) return;
    try {
      this.#planner.ownCgroups = (await abortable(this.#zygote.entered(), signal)) ?? maker?.ownCgroups;
    } catch (error) {
      throw signal?.aborted ? cancelled(id, signal) : error;
    }
  }

  get #hookRunner(): HookRunner {
    return { zygote: this.#zygote.current, host: this.#planner.host };
  }

  /** The child has stopped for hooks. */
  async #onStop(id: string, word: number, pid: number, restoring?: Restoring): Promise<void> {
    const { request, starting } = this.#ours.get(id) ?? {};
    if (request === undefined || (word === WORD.starting && starting !== true)) return;
    const directory = this.#directory(id);
    try {
      await runHooksAtStop(this.#hookRunner, directory, request, word, pid);
      if (word === WORD.restoring) await restoring?.connect?.(pid);
      directory.command("start");
    } catch (error) {
      this.#ours.get(id)?.followed.blame(error as OrlopError);
      directory.tryCommand("signal", constants.signals.SIGKILL);
    }
  }

  /** A failing poststart fails the start (runtime-spec 1.3). */
  async #poststart(id: string): Promise<void> {
    const request = this.#hooked(id);
    if (request?.spec.hooks?.poststart === undefined) return;
    try {
      // It may have ended by now: the hook is told of what was started.
      const pid = this.#directory(id).created()?.value;
      await runContainerHooks(this.#hookRunner, this.#directory(id), request, "poststart", "running", pid);
    } catch (error) {
      await this.delete(id, { force: true });
      throw error;
    }
  }

  /** The container is gone whatever these hooks do (runtime-spec, "Lifecycle", step 13). */
  async #poststop(id: string): Promise<void> {
    const request = this.#hooked(id, keptRequestIfWhole);
    // A zygote that has gone is not started anew for nothing.
    if (request?.spec.hooks?.poststop !== undefined)
      await runPoststopHooks(this.#hookRunner, this.#directory(id), request);
  }

  /** Has the reaper end init, or ends it where there is none; what is left then, delete ends through the cgroup. */
  async #kill(id: string, directory: ContainerDirectory, record: ContainerRecord): Promise<void> {
    const { cgroups } = record;
    const gone = this.#ours.get(id)?.followed.ended.promise ?? directory.waitForReaper();
    directory.tryCommand("signal", constants.signals.SIGKILL);
    thawIfFrozen(cgroups);
    await gone;
    using init = unsupervisedInit(directory, record, this.#planner.host.bootId);
    if (init !== undefined) await endProcess(this.#hookRunner, init);
  }

  #directory(id: string): ContainerDirectory {
    return new ContainerDirectory(join(this.#root, parseContainerId(id)));
  }

  #letGoOfRequest(id: string): void {
    const ours = this.#ours.get(id);
    if (ours !== undefined) ours.request = undefined;
  }

  #forget(id: string): void {
    this.#ours.delete(id);
    const { afterwards } = this.#options;
    if (afterwards === undefined) this.#directory(id).remove();
    else afterwards(this.#directory(id).takeAway());
  }
}

function cancelled(id: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot create container "${id}": it was cancelled`, { cause: signal.reason });
}
