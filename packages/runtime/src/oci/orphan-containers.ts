import { mkdirSync } from "node:fs";
import { constants, uptime } from "node:os";
import { join } from "node:path";
import {
  type CreateRequest,
  type LinuxResources,
  OrlopError,
  parseContainerId,
  type State,
  unlessMissing,
} from "@orlop/core";
import {
  freezeCgroup,
  listProcesses,
  readCgroupStats,
  type SystemdConnection,
  takeBackFrozen,
  thawCgroup,
} from "@orlop/kernel";
import { dumpContainer } from "../criu/dump-container.ts";
import { findCriu } from "../criu/find-criu.ts";
import { beginRestoring } from "../criu/restoring.ts";
import { type Beginning, type BegunContainer, beginContainer } from "../process/begin-container.ts";
import type { CreateStyle } from "../process/compilation.ts";
import { ContainerDirectory } from "../process/container-directory.ts";
import { type HookRunner, runContainerHooks, runHooksAtStop, runPoststopHooks } from "../process/container-hooks.ts";
import { ContainerPlanner } from "../process/container-planner.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { containerStatus, thawIfFrozen, unsupervisedInit } from "../process/container-status.ts";
import { warnOfDeviceAccess } from "../process/device-access.ts";
import { endProcess, signalProcess } from "../process/end-process.ts";
import type { FollowedProgram } from "../process/followed-program.ts";
import { hasKeptRequest, keptRequest, keptRequestIfWhole } from "../process/kept-request.ts";
import { readMountTable } from "../process/mount-table.ts";
import { PinnedProcess } from "../process/pinned-process.ts";
import { type Handover, WORD } from "../process/supervision.ts";
import type { SchemataChange } from "../resctrl/change-schemata.ts";
import { readResctrl } from "../resctrl/read-resctrl.ts";
import { connectSystemd } from "../systemd/connect-systemd.ts";
import { leaveContainerCgroups, removeContainerCgroups } from "../systemd/remove-container-cgroups.ts";
import { updateLimits } from "../systemd/update-limits.ts";
import { awaitOrphanStart } from "./await-orphan-start.ts";
import { becomeForeground } from "./become-foreground.ts";
import { type BegunExec, beginExec, type ExecContext } from "./begin-exec.ts";
import { checkUsedCgroups } from "./check-used-cgroups.ts";
import { KeptCalls } from "./kept-calls.ts";
import { FIRST_KEPT } from "./kept-descriptors.ts";
import { LocalHands } from "./local-hands.ts";
import type {
  OciCheckpoint,
  OciContainers,
  OciContainersOptions,
  OciCreate,
  OciExec,
  OciProcessOptions,
  OciRestore,
  OciRun,
  OciState,
  OciStats,
} from "./oci-containers.ts";
import { orphanState } from "./orphan-state.ts";
import { recordToDelete } from "./record-to-delete.ts";
import { refuseNotRestorable } from "./refuse-not-restorable.ts";
import { signalOrphan } from "./signal-orphan.ts";
import { StageLog } from "./stage-log.ts";
import { unlessGone } from "./unless-gone.ts";

/** Standard descriptors of the caller's are the container's. */
const INHERITED = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;

/** See {@link OciContainers}. */
export class OrphanContainers implements OciContainers {
  readonly #options: OciContainersOptions;
  readonly #planner: ContainerPlanner;
  readonly #kept: KeptCalls;
  /** Containers that this call makes. */
  readonly #beginning = new Map<string, FollowedProgram>();

  constructor(options: OciContainersOptions) {
    const { cgroupDriver: driver, rootless, ownCgroups, warn, listensAsCrun, kept = new KeptCalls() } = options;
    this.#options = options;
    this.#kept = kept;
    this.#planner = new ContainerPlanner({ driver, rootless, ownCgroups, warn, listensAsCrun, kept });
  }

  async create(request: OciCreate): Promise<State> {
    using systemd = await this.#systemd();
    const style = { ...this.#handover(request), keepKeyring: request.noNewKeyring, startOnCommand: true };
    await this.#untilCreated(request, this.#begin(request, { ...style, orphaned: true }, { systemd }));
    return this.state(request.id);
  }

  async run(request: OciRun): Promise<void> {
    const { id, noNewKeyring: keepKeyring, keep: keepsCgroups } = request;
    // Where nobody is to hear of it before it starts, init need not wait for that.
    const startOnCommand = request.announce !== undefined;
    using systemd = await this.#systemd();
    const style = { ...this.#handover(request), keepKeyring, keepsCgroups, startOnCommand };
    const begun = this.#begin(request, style, { systemd });
    const pid = await this.#untilCreated(request, begun);
    const { followed } = begun;
    try {
      if (startOnCommand) this.#directory(id).command("start");
      await followed.started.promise;
      await this.#poststart(id);
    } catch (error) {
      await this.delete(id, { force: true });
      throw error;
    }
    await this.#foreground(request, followed, pid);
  }

  /** Makes the call's own process stand for a container's init. */
  async #foreground(request: OciRun, followed: FollowedProgram, pid: number): Promise<void> {
    const { id } = request;
    await becomeForeground(this.#options.hands, {
      followed,
      pid,
      kept: this.#kept,
      architecture: this.#planner.host.architecture,
      directory: this.#directory(id),
      terminal: request.spec.process?.terminal === true && request.consoleSocket === undefined,
      afterwards: async () => {
        await followed.ended.promise;
        // Somebody else may have deleted it by now.
        if (!request.keep) await unlessMissing(this.#deleteEnded(id));
      },
    });
  }

  /** The hands stand for the container by now, and execute nothing more: its last hooks need others. */
  async #deleteEnded(id: string): Promise<void> {
    const directory = this.#directory(id);
    const hooked =
      hasKeptRequest(directory.path) &&
      keptRequestIfWhole(directory.path, directory.record(id), () => {}) !== undefined;
    await (hooked ? this.#deleteOurselves(id) : this.delete(id, { force: true }));
  }

  /** With hands of our own, where the caller's are none any more. */
  async #deleteOurselves(id: string): Promise<void> {
    const hands = new LocalHands();
    try {
      await new OrphanContainers({ ...this.#options, hands }).delete(id, { force: true });
    } finally {
      hands.close();
    }
  }

  async start(id: string): Promise<void> {
    const directory = this.#directory(id);
    const record = directory.record(id);
    const { status } = await this.state(id);
    if (status !== "created") {
      throw new OrlopError("conflict", `Cannot start container "${id}": it is ${status}`);
    }
    try {
      await awaitOrphanStart(directory, record, () => this.#startHooks(directory, record));
      // The kernel closes the pipe that init waited at a moment after the one whose end was the news.
      directory.markStarted();
      await this.#poststart(id);
    } catch (error) {
      if ((error as OrlopError).code === "conflict") throw error;
      await (this.#options.hands.alive ? this.delete(id, { force: true }) : this.#deleteOurselves(id));
      throw error;
    }
  }

  async exec(request: OciExec): Promise<{ readonly pid: number }> {
    const { exec, pid } = await this.#startExec(request, { ...this.#handover(request), orphaned: true });
    await exec.remove();
    return { pid };
  }

  async execForeground(request: OciExec): Promise<void> {
    const { exec, pid } = await this.#startExec(request, this.#handover(request));
    await becomeForeground(this.#options.hands, {
      followed: exec.followed,
      pid,
      kept: this.#kept,
      architecture: this.#planner.host.architecture,
      directory: exec.directory,
      terminal: request.process.terminal === true && request.consoleSocket === undefined,
      afterwards: () => exec.remove(),
    });
  }

  async #startExec(request: OciExec, handover: Handover): Promise<{ readonly exec: BegunExec; readonly pid: number }> {
    const directory = this.#directory(request.id);
    const record = directory.record(request.id);
    using init = unsupervisedInit(directory, record, this.#planner.host.bootId);
    if (init === undefined) {
      throw new OrlopError("conflict", `Cannot exec in container "${request.id}": container not running`);
    }
    const context = { ...this.#execContext(directory), record, init };
    return await unlessGone(this, request.id, "exec in", async () => {
      const exec = beginExec(context, request, handover);
      return { exec, pid: await exec.untilStarted() };
    });
  }

  async state(id: string): Promise<OciState> {
    const directory = this.#directory(id);
    return orphanState(directory, directory.record(id), this.#planner.host.bootId);
  }

  async list(): Promise<readonly OciState[]> {
    return ContainerDirectory.list(this.#options.root).flatMap((id) => {
      try {
        const directory = this.#directory(id);
        return [orphanState(directory, directory.record(id), this.#planner.host.bootId)];
      } catch (error) {
        // Half made, deleted since, or no container's directory at all.
        if ((error as OrlopError).code !== "not-found") this.#options.warn((error as Error).message);
        return [];
      }
    });
  }

  async signal(id: string, signal: number, { all }: { readonly all: boolean }): Promise<void> {
    const directory = this.#directory(id);
    await signalOrphan(this.#runner, directory, directory.record(id), { signal, all });
  }

  async pause(id: string): Promise<void> {
    const { status } = await this.state(id);
    if (status !== "running" && status !== "created") {
      throw new OrlopError("conflict", `Cannot pause container "${id}": it is ${status}, not running or created`);
    }
    await unlessGone(this, id, "pause", () => freezeCgroup(this.#directory(id).record(id).cgroups));
  }

  async resume(id: string): Promise<void> {
    const { status } = await this.state(id);
    if (status !== "paused") {
      throw new OrlopError("conflict", `Cannot resume container "${id}": it is ${status}, not paused`);
    }
    await unlessGone(this, id, "resume", () => thawCgroup(this.#directory(id).record(id).cgroups));
  }

  async update(id: string, resources: LinuxResources, schemata?: SchemataChange): Promise<void> {
    const { status } = await this.state(id);
    if (status === "stopped") {
      throw new OrlopError("conflict", `Cannot update container "${id}": container not running`);
    }
    const { env, warn } = this.#options;
    warnOfDeviceAccess(resources, warn);
    await unlessGone(this, id, "update", () =>
      updateLimits(this.#runner, this.#directory(id).record(id), { resources, schemata, env, warn }),
    );
  }

  async checkpoint(request: OciCheckpoint): Promise<void> {
    const { id, leaveRunning, preDump, statusFd } = request;
    const directory = this.#directory(id);
    const record = directory.record(id);
    const { status } = await this.state(id);
    using init = this.#init(directory, id);
    if (init === undefined || (status !== "running" && status !== "paused")) {
      throw new OrlopError("conflict", `Cannot checkpoint container "${id}": it is ${status}, not running or paused`);
    }
    const pid = directory.created()?.value ?? 0;
    const criu = await findCriu(request.env, `checkpoint container "${id}"`);
    await unlessGone(this, id, "checkpoint", () =>
      dumpContainer(this.#runner, { record, pid }, criu, {
        ...request,
        ...(statusFd === undefined ? {} : { statusFd: this.#descriptor(statusFd) }),
      }),
    );
    if (leaveRunning !== true && preDump !== true) await this.delete(id, { force: true });
  }

  async restore(request: OciRestore): Promise<void> {
    const { id, detach } = request;
    refuseNotRestorable(request);
    const restoring = await beginRestoring(id, request.env, request);
    const style = { ...this.#handover(request), keepKeyring: request.noNewKeyring, startOnCommand: false };
    using systemd = await this.#systemd();
    const begun = this.#begin(request, detach ? { ...style, orphaned: true } : style, {
      systemd,
      ...restoring.program(this.#planner.cgroupLayout, false),
    });
    let pid: number;
    try {
      pid = await this.#untilCreated(request, begun);
    } catch (error) {
      throw error instanceof OrlopError ? restoring.failure(error) : error;
    }
    const { followed } = begun;
    try {
      await followed.started.promise;
    } catch (error) {
      await this.delete(id, { force: true });
      throw error;
    }
    if (!detach) await this.#foreground(request, followed, pid);
  }

  async stats(id: string): Promise<OciStats> {
    const { status } = await this.state(id);
    if (status === "stopped") {
      throw new OrlopError("conflict", `Cannot read statistics of container "${id}": container not running`);
    }
    return unlessGone(this, id, "read statistics of", () => {
      const { cgroups, resctrl } = this.#directory(id).record(id);
      return { ...readCgroupStats(cgroups), ...(resctrl === undefined ? {} : { resctrl: readResctrl(resctrl) }) };
    });
  }

  async pids(id: string): Promise<readonly number[]> {
    return listProcesses(this.#directory(id).record(id).cgroups);
  }

  async delete(id: string, { force }: { readonly force: boolean }): Promise<void> {
    const directory = this.#directory(id);
    const { bootId } = this.#planner.host;
    const record = recordToDelete(directory, id, { force, host: this.#planner.host });
    if (record === undefined) return;
    using init = unsupervisedInit(directory, record, bootId);
    if (init !== undefined) {
      const status = containerStatus(directory, record, directory.created()?.value, bootId);
      if (!force) {
        throw new OrlopError(
          "conflict",
          `Cannot delete container "${id}": it is ${status}\nTry killing it first, or --force.`,
        );
      }
      await this.#end(init, record);
    }
    // What was cut short while it was made may have left an init that nobody knows.
    const isKnown = directory.created() !== undefined;
    await (record.ownPidNamespace && isKnown ? leaveContainerCgroups : removeContainerCgroups)(
      record,
      this.#options.env,
    );
    const hooked = keptRequestIfWhole(directory.path, record, this.#options.warn);
    if (hooked !== undefined) await runPoststopHooks(this.#runner, directory, hooked, this.#options.warn);
    // Of one that was just being made the init may have become known.
    using late = init === undefined && !isKnown ? unsupervisedInit(directory, record, bootId) : undefined;
    if (late !== undefined) {
      await this.#end(late, record);
      await removeContainerCgroups(record, this.#options.env);
    }
    directory.remove();
  }

  async #end(init: PinnedProcess, { id, cgroups }: ContainerRecord): Promise<void> {
    await signalProcess(this.#runner, init, constants.signals.SIGKILL);
    thawIfFrozen(cgroups);
    const pid = this.#directory(id).created()?.value;
    if (pid !== undefined && init.alive()) takeBackFrozen(cgroups, pid);
    await endProcess(this.#runner, init);
  }

  #begin(
    request: OciCreate,
    style: CreateStyle,
    how: Pick<Beginning, "compile" | "furtherNamespaces" | "systemd">,
  ): BegunContainer {
    const { id, bundle, configPath, spec, directories, noPivot } = request;
    mkdirSync(this.#options.root, { recursive: true, mode: 0o711 });
    const directory = this.#directory(id);
    const stdio =
      request.consoleSocket === undefined ? INHERITED : { ...INHERITED, consoleSocket: request.consoleSocket };
    const create = { id, bundle, spec, stdio, detached: true };
    const styled = {
      ...style,
      ...(configPath === undefined ? {} : { configPath }),
      ...(noPivot ? { withoutPivot: readMountTable() } : {}),
    };
    const plan = this.#planner.plan(create, directory.path, styled, how.systemd);
    // Whose cgroups are in use by it, and perhaps frozen, which is not what is wrong then.
    directory.refuseTaken(id);
    checkUsedCgroups(plan, this.#options.warn);
    const stages = this.#stages(id);
    stages.compiled(plan.seccomp?.flags);
    const begun = beginContainer({
      compile: (created) => this.#kept.creates.program(created),
      ...how,
      plan,
      directory,
      zygote: this.#options.hands,
      request: create,
      onStop: (word, pid) => void this.#onStop(create, directory, word, pid),
      furnish: () => {
        for (const name of directories) mkdirSync(join(directory.path, name), { mode: 0o755 });
      },
    });
    stages.sent();
    this.#beginning.set(id, begun.followed);
    return begun;
  }

  /** Resolves with init's pid, when the caller has been told of it; what fails until then leaves nothing. */
  async #untilCreated({ id, announce }: OciCreate, begun: BegunContainer): Promise<number> {
    let pid: number | undefined;
    try {
      pid = await begun.followed.created.promise;
      this.#stages(id).created(pid);
      await announce?.(pid);
      // Who has deleted it meanwhile need not have known of its init.
      if (!this.#directory(id).exists())
        throw new OrlopError("not-found", `Cannot find container "${id}": it was deleted`);
      this.#stages(id).ready();
      return pid;
    } catch (error) {
      this.#planner.forgetMachine();
      await this.#discard(begun, pid);
      throw error;
    }
  }

  async #discard({ followed, record }: BegunContainer, pid: number | undefined): Promise<void> {
    const directory = this.#directory(record.id);
    using known = pid === undefined ? undefined : PinnedProcess.open(pid, uptime() * 1000);
    // The reaper cannot be told where its directory is gone, and waits for its init.
    if (known !== undefined && !directory.exists()) await this.#end(known, record);
    directory.tryCommand("signal", constants.signals.SIGKILL);
    await followed.ended.promise;
    using init = unsupervisedInit(directory, record, this.#planner.host.bootId);
    for (const each of [init, known]) if (each?.alive() === true) await this.#end(each, record);
    await removeContainerCgroups(record, this.#options.env);
    directory.remove();
  }

  /** Init has stopped for hooks while the container is being made. */
  async #onStop(request: CreateRequest, directory: ContainerDirectory, word: number, pid: number): Promise<void> {
    try {
      await runHooksAtStop(this.#runner, directory, request, word, pid);
      directory.command("start");
    } catch (error) {
      this.#beginning.get(request.id)?.blame(error as OrlopError);
      directory.tryCommand("signal", constants.signals.SIGKILL);
    }
  }

  async #startHooks(directory: ContainerDirectory, record: ContainerRecord): Promise<void> {
    const request = keptRequest(directory.path, record);
    if (request === undefined) return;
    await runHooksAtStop(this.#runner, directory, request, WORD.starting, directory.created()?.value ?? 0);
  }

  /** A failing poststart fails the start (runtime-spec 1.3). */
  async #poststart(id: string): Promise<void> {
    const directory = this.#directory(id);
    if (!hasKeptRequest(directory.path)) return;
    const request = keptRequest(directory.path, directory.record(id));
    if (request?.spec.hooks?.poststart === undefined) return;
    const { pid } = await this.state(id);
    await runContainerHooks(this.#runner, directory, request, "poststart", "running", pid);
  }

  #stages(id: string): StageLog {
    return new StageLog(this.#options.debug, `init of container "${id}"`);
  }

  /** Who makes the cgroups of a new container, where we do not. */
  async #systemd(): Promise<SystemdConnection | undefined> {
    const { cgroupDriver, env } = this.#options;
    return cgroupDriver === "systemd" ? await connectSystemd(this.#planner.host.rootless, env) : undefined;
  }

  get #runner(): HookRunner {
    const { hands: zygote, env, hooksInBundle } = this.#options;
    const hookEnv = Object.entries(env).map((entry) => entry.join("="));
    return { zygote, host: this.#planner.host, hookEnv, hooksInBundle };
  }

  #directory(id: string): ContainerDirectory {
    return new ContainerDirectory(join(this.#options.root, parseContainerId(id)));
  }

  /** Init, if it lives. */
  #init(directory: ContainerDirectory, id: string): PinnedProcess | undefined {
    return unsupervisedInit(directory, directory.record(id), this.#planner.host.bootId);
  }

  #execContext(container: ContainerDirectory): Omit<ExecContext, "record" | "init"> {
    const { warn, debug, env } = this.#options;
    return { runner: this.#runner, container, warn, debug, env, kept: this.#kept };
  }

  /** Under its number in programs. */
  #descriptor(fd: number): number {
    const number = this.#options.hands.descriptor(fd);
    if (number === undefined) throw new OrlopError("invalid", `Cannot use descriptor ${fd}: it is not open`);
    return number;
  }

  /** What goes between the process and the caller of the command. */
  #handover({ pidfdSocket, preserveFds, keepGroups }: OciProcessOptions): Handover {
    return {
      descriptors: Array.from({ length: preserveFds }, (_, index) => this.#descriptor(FIRST_KEPT + index)),
      keepGroups,
      exitsAsChild: true,
      makerPid: this.#options.callerPid,
      ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    };
  }
}
