import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import {
  type ContainerStats,
  generateId,
  type LogEntry,
  type LogOptions,
  type NetworkDriver,
  OrlopError,
  type Runtime,
  type RuntimeSpec,
  type WindowSize,
} from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { type CheckpointContainerOptions, checkpointContainer } from "./checkpoint/checkpoint-container.ts";
import { type CheckpointName, CheckpointPlace, checkpointNames } from "./checkpoint/checkpoint-place.ts";
import type { RestoreChoices } from "./checkpoint/restore-run.ts";
import type { EngineContext, EngineParts } from "./engine-context.ts";
import { findContainer } from "./find-container.ts";
import type { ProbeResult } from "./health/container-health.ts";
import { probeNow } from "./health/probe-now.ts";
import { attachNetwork, detachNetwork } from "./life/attach-network.ts";
import { attend } from "./life/attend.ts";
import { containerEvent } from "./life/container-event.ts";
import { freeName, refuseKept, refuseTaken } from "./life/container-names.ts";
import { tellAll } from "./life/container-networks.ts";
import { isActive } from "./life/container-status.ts";
import { openInput } from "./life/container-streams.ts";
import { findChanged } from "./life/find-changed.ts";
import { type EventOptions, followEvents } from "./life/follow-events.ts";
import { freezeContainer } from "./life/freeze-container.ts";
import { type HeldRoot, withIdleRoot, withRunningRoot } from "./life/hold-root.ts";
import { listContainers } from "./life/list-containers.ts";
import { type RemoveOptions, refuseRunning, removeContainer } from "./life/remove-container.ts";
import { dependentsOf, refuseRequired } from "./life/requirements.ts";
import { settleContainer } from "./life/settle-container.ts";
import { signalContainer } from "./life/signal-container.ts";
import { type StartedRun, type StartOptions, startContainer } from "./life/start-container.ts";
import { type StopOptions, stopContainer } from "./life/stop-container.ts";
import { stopTransient } from "./life/stop-transient.ts";
import { noteUnmade, sweepUnmade } from "./life/sweep-unmade.ts";
import { ToldNetworks } from "./life/told-networks.ts";
import { boundToCommand, freezeTransient, transientNow, updateTransient } from "./life/transient-container.ts";
import { type ContainerChanges, updateContainer } from "./life/update-container.ts";
import { waitForEnd } from "./life/wait-for-end.ts";
import { addToPod } from "./pods/add-to-pod.ts";
import { openPodNamespaces } from "./pods/namespaces/open-pod-namespaces.ts";
import { POD_TABLES, PodRows } from "./pods/pod-rows.ts";
import { Pods } from "./pods/pods.ts";
import type { ContainerDescription, NetworkAttachment } from "./state/container-description.ts";
import {
  containerDirectory,
  lockContainer,
  outputFile,
  streamsDirectory,
  tryLockContainer,
} from "./state/container-places.ts";
import { CONTAINER_TABLES, type Container, ContainerRows } from "./state/container-rows.ts";
import { EventJournal } from "./state/event-journal.ts";
import { type EngineEvent, EventRows } from "./state/event-rows.ts";
import { watchDatabase } from "./state/watch-database.ts";
import { Volumes } from "./volumes.ts";

/** What a new container is to be, once its id and name are settled. */
export interface NewContainer {
  readonly description: Omit<ContainerDescription, "id" | "name" | "createdAtMs">;
  /** Its OCI config, without the mounts that its root brings. */
  readonly spec: RuntimeSpec;
}

/** How a container is restored. */
interface RestoreOptions extends RestoreChoices {
  /** The checkpoint stays. */
  readonly keep?: boolean;
}

/** What `create` hands to who makes a container. */
export interface ContainerDraft {
  readonly id: string;
  readonly name: string;
  /** For files of the container's own; it goes when the container does. */
  readonly directory: string;
}

/**
 * Containers that outlive the process that made them, for several processes at once, with no daemon among them.
 *
 * What is known of a container is in the database; whether it runs, the runtime knows. An engine that is opened later, in
 * another process, finds out how a run has ended when it is asked for the container: every method first brings the two into
 * line. Who changes a container holds its lock, which ends with its process; what such a process has left half done is
 * finished or undone by the next one.
 *
 * A container is named by its name, its id, or the beginning of that.
 */
export class Engine {
  readonly volumes: Volumes;
  readonly pods: Pods;
  readonly #context: EngineContext;

  constructor(parts: EngineParts) {
    parts.database.add(CONTAINER_TABLES);
    parts.database.add(POD_TABLES);
    const { database } = parts;
    const rootless = process.geteuid?.() !== 0;
    const events = new EventRows(database);
    let told: ToldNetworks | undefined;
    const rows = new ContainerRows(database);
    const podRows = new PodRows(database);
    const nameOf = (id: string): string | undefined =>
      (rows.get(id) ?? parts.transients().find((each) => each.id === id) ?? podRows.get(id))?.name;
    this.#context = {
      ...parts,
      networks: async () => {
        told ??= new ToldNetworks(await parts.networks(), { database, events, nameOf });
        return told;
      },
      rows,
      events,
      journal: new EventJournal(dirname(database.path)),
      podRows,
      namespaces: parts.podNamespaces ?? openPodNamespaces(parts, rootless),
      rootless,
    };
    this.volumes = new Volumes(this.#context);
    this.pods = new Pods(this.#context, this);
  }

  /**
   * Makes a container that does not run yet.
   *
   * @param name absent: one is made up
   * @param make does what the container needs; on a failure later on, what it has put into the draft's directory is removed
   * @throws OrlopError `conflict` for a name that is taken
   */
  async create(name: string | undefined, make: (draft: ContainerDraft) => Promise<NewContainer>): Promise<Container> {
    const { database, rows, events } = this.#context;
    const id = generateId(randomBytes);
    if (name !== undefined) refuseTaken(this.#context, name);
    await sweepUnmade(this.#context);
    noteUnmade(this.#context, id);
    using _lock = await lockContainer(this.#context, id);
    // Once more: as long as nobody held it, somebody may have swept it up.
    using _unmade = noteUnmade(this.#context, id);
    const directory = containerDirectory(this.#context, id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      const made = await make({ id, name: name ?? freeName(this.#context), directory });
      return database.transaction(() => {
        if (name !== undefined) refuseTaken(this.#context, name);
        const createdAtMs = Date.now();
        const description = { ...made.description, id, name: name ?? freeName(this.#context), createdAtMs };
        rows.insert(description, made.spec);
        if (description.pod !== undefined) addToPod(this.#context, description.pod.id, id);
        const container = rows.get(id) as Container;
        events.add(containerEvent(container, "create"));
        return container;
      });
    } catch (error) {
      await this.#context.roots.discard(id);
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * All of them, those made last first.
   *
   * @param isActive only those of which something runs; some of them may have ended in this moment
   */
  async list({ isActive = false }: { readonly isActive?: boolean } = {}): Promise<readonly Container[]> {
    return await listContainers(this.#context, isActive, (id) => this.#settleLocked(id));
  }

  /**
   * @param atAGlance as lists have them, in a fraction of the time: it may have ended in this moment
   * @throws OrlopError `not-found`; `conflict` for the beginning of several ids
   */
  async find(text: string, { atAGlance = false }: { readonly atAGlance?: boolean } = {}): Promise<Container> {
    const container = findContainer(this.#context, text);
    if (container.isTransient) return await transientNow(this.#context, container);
    if (!isActive(container.state.status)) return container;
    if (atAGlance && (await findChanged(this.#context, [container])).length === 0) return container;
    using lock = tryLockContainer(this.#context, container.id);
    if (lock === undefined) return container;
    return (await this.#settleLocked(container.id)) ?? container;
  }

  /** The container's OCI config, without the mounts that its root brings. */
  spec({ id }: Container): RuntimeSpec | undefined {
    return this.#context.rows.spec(id);
  }

  /** Starts it, after those that it requires; one that runs already is left as it is, as docker does. */
  async start(text: string, options: StartOptions = {}): Promise<StartedRun> {
    const found = await this.find(text);
    if (found.isTransient) return { container: found, input: undefined };
    for (const id of found.requires ?? []) await this.start(id);
    return await this.#change(text, async (container) => {
      if (container.state.status === "running") return { container, input: undefined };
      return await startContainer(this.#context, container, options);
    });
  }

  /** Saves the processes of one that runs; see {@link checkpointContainer}. */
  async checkpoint(text: string, options: CheckpointContainerOptions = {}): Promise<Container> {
    return await this.#change(text, (container) => checkpointContainer(this.#context, container, options));
  }

  /** Starts one that does not run where a checkpoint of it has left off. @throws OrlopError `not-found` without that */
  async restore(text: string, { keep = false, ...restore }: RestoreOptions = {}): Promise<Container> {
    for (const id of (await this.find(text)).requires ?? []) await this.start(id);
    return await this.#change(text, async (found) => {
      const place = new CheckpointPlace(this.#context, found, restore);
      place.read();
      const { container } = await startContainer(this.#context, found, { restore });
      if (!keep) place.remove();
      return container;
    });
  }

  /** Directory of the images of one of its checkpoints. */
  checkpointPath(container: Container, meant: CheckpointName = {}): string {
    return new CheckpointPlace(this.#context, container, meant).path;
  }

  /** Names of the checkpoints of a container. @param directory absolute; absent: its own */
  async checkpoints(text: string, directory?: string): Promise<readonly string[]> {
    return checkpointNames(this.#context, (await this.find(text)).id, directory);
  }

  /** @throws OrlopError `not-found` */
  async removeCheckpoint(text: string, meant: CheckpointName): Promise<void> {
    await this.#change(text, async (container) => {
      const place = new CheckpointPlace(this.#context, container, meant);
      place.read();
      place.remove();
    });
  }

  /** Ends it with the signal that it stops by, and with SIGKILL when it takes too long; one that does not run stays so. */
  async stop(text: string, options: StopOptions = {}): Promise<Container> {
    const container = await this.find(text);
    return container.isTransient
      ? await stopTransient(this.#context, container, options)
      : await this.#change(container.id, (found) => stopContainer(this.#context, found, options));
  }

  /** @throws OrlopError `conflict` when it does not run */
  async signal(text: string, signal: number): Promise<void> {
    await signalContainer(this.#context, await this.find(text), signal);
  }

  /** Resolves with the exit code of the run that there is, or of the last one. */
  async wait(text: string, signal?: AbortSignal): Promise<number> {
    return await waitForEnd(this.#context, await this.find(text), signal);
  }

  /**
   * Removes it with all that it has written.
   *
   * @throws OrlopError `conflict` when it runs, unless `force`; when others require it, unless `dependents`
   */
  async remove(text: string, options: RemoveOptions = {}): Promise<Container> {
    const container = await this.find(text);
    if (container.isTransient) {
      refuseRunning(container, options);
      return await stopTransient(this.#context, container, { timeoutMs: 0, isRemoval: true });
    }
    if (options.dependents === true) {
      for (const { id } of dependentsOf(this.#context, container)) await this.remove(id, options);
    }
    return await this.#change(container.id, (found) => {
      refuseRequired(this.#context, found);
      return removeContainer(this.#context, found, options);
    });
  }

  /**
   * Finds out once whether a container does what it is there for, and writes that down.
   *
   * @throws OrlopError `conflict` when it does not run; `invalid` for one that does not say how it is checked
   */
  async checkHealth(text: string, signal?: AbortSignal): Promise<ProbeResult> {
    return await probeNow(this.#context, await this.find(text), signal);
  }

  async pause(text: string): Promise<Container> {
    return await this.#freeze(text, "pause");
  }

  async resume(text: string): Promise<Container> {
    return await this.#freeze(text, "resume");
  }

  /** @throws OrlopError `conflict` for a name that is taken */
  async rename(text: string, name: string): Promise<void> {
    await this.#change(text, async (container) => {
      const { state, health: _, ...description } = container;
      this.#context.database.transaction(() => {
        refuseTaken(this.#context, name);
        this.#context.rows.setDescription({ ...description, name });
        this.#context.events.add(
          containerEvent({ ...description, name, state }, "rename", { oldName: `/${container.name}` }),
        );
      });
    });
  }

  /**
   * Ends it as {@link stop} does, and starts it again.
   *
   * @throws OrlopError `conflict` for one that goes with its end
   */
  async restart(text: string, options: StopOptions = {}): Promise<void> {
    const found = await this.find(text);
    if (found.isTransient) throw boundToCommand("restart", found);
    await this.stop(found.id, options);
    const { container } = await this.start(found.id);
    this.tell(container, "restart");
  }

  /**
   * Changes limits of what runs, and of every later run, and when it is started again.
   *
   * @throws OrlopError `conflict` for a restart policy of one that is removed when it ends
   */
  async update(text: string, changes: ContainerChanges): Promise<Container> {
    const container = await this.find(text);
    return container.isTransient
      ? await updateTransient(this.#context, container, changes)
      : await this.#change(container.id, (found) => updateContainer(this.#context, found, changes));
  }

  /**
   * Does something with the files of a container; it neither starts nor goes meanwhile, unless it runs already.
   *
   * @throws OrlopError `unsupported` for one whose files are not within this kernel's reach
   */
  async withRoot<T>(text: string, work: (root: HeldRoot) => Promise<T>): Promise<T> {
    const container = await this.find(text);
    if (container.isTransient || isActive(container.state.status)) {
      return await withRunningRoot(this.#context, container, work);
    }
    return await this.#change(container.id, async (found) =>
      isActive(found.state.status)
        ? await withRunningRoot(this.#context, found, work)
        : await withIdleRoot(this.#context, found, work),
    );
  }

  /** Its output, from the first line that is kept. @throws OrlopError `unsupported` where nothing is kept */
  async *logs(container: Container, options: LogOptions = {}): AsyncIterable<LogEntry> {
    if (container.log.driver !== "file") {
      const what = `its output is not kept (log driver "${container.log.driver}")`;
      throw new OrlopError("unsupported", `Cannot read log of container "${container.name}": ${what}`);
    }
    yield* this.output(container, options);
  }

  /**
   * What has happened, from the events that are kept, in order.
   *
   * @param untilMs Unix time; absent: it goes on with what happens, until the signal
   */
  events(options: EventOptions): AsyncIterable<EngineEvent> {
    return followEvents(this.#context, options);
  }

  /** Has events tell of something that is done with a container, in docker's words. */
  tell(container: Container, action: string, attributes: Readonly<Record<string, string>> = {}): void {
    tellAll(this.#context, [containerEvent(container, action, attributes)]);
  }

  /** The same, where a transaction would take too long: in order with what the database tells only to the millisecond. */
  note(container: Container, actions: readonly string[], attributes: Readonly<Record<string, string>> = {}): void {
    this.#context.journal.note(...actions.map((action) => containerEvent(container, action, attributes)));
  }

  /** Whether somebody has to look after containers; see {@link attend}. */
  get needsAttendant(): boolean {
    return this.#context.rows.attended().length > 0;
  }

  /** Starts again and removes what is to be, when it ends, until there is nothing to look after or the signal aborts. */
  async attend(signal: AbortSignal): Promise<void> {
    await attend(this.#context, signal);
  }

  /** What it puts out, also where that is not kept, for who is attached to it. */
  output(container: Container, options: LogOptions): AsyncIterable<LogEntry> {
    return this.#context.logs.read(outputFile(this.#context, container), options);
  }

  /** A descriptor that writes to the standard input of one that runs; the caller's to close. Undefined when it reads none. */
  openInput(container: Container): number | undefined {
    return openInput(streamsDirectory(this.#context, container.id));
  }

  /** Connects it with one more network; if it runs, at once. @throws OrlopError `conflict` when it is on it already */
  async connect(text: string, attachment: NetworkAttachment): Promise<void> {
    await this.#change(text, (container) => attachNetwork(this.#context, container, attachment));
  }

  /** Takes it off a network. @throws OrlopError `conflict` when it is not on it */
  async disconnect(text: string, network: string): Promise<void> {
    await this.#change(text, (container) => detachNetwork(this.#context, container, network));
  }

  /** Whether somebody has to answer names; see {@link serveNames}. */
  async needsNames(): Promise<boolean> {
    return this.isConnected && (await this.#context.networks()).names?.isNeeded() === true;
  }

  /** Connects once more what was cut off because a process beside the containers was killed. */
  async mendNetworks(): Promise<void> {
    if (this.isConnected) await (await this.#context.networks()).mend?.();
  }

  /** Whether something runs that is connected with networks; without that there are no names, and nothing to mend. */
  get isConnected(): boolean {
    const { rows, podRows } = this.#context;
    return rows.hasConnected() || podRows.running().some(({ state }) => state.endpoints.length > 0);
  }

  /** Answers names of networks for containers, until nobody needs it or the signal aborts. */
  async serveNames(signal: AbortSignal): Promise<void> {
    const { database, networks } = this.#context;
    await (await networks()).names?.serve((onChange) => watchDatabase(database.path, onChange), signal);
  }

  /** What connects containers with networks. */
  async networks(): Promise<NetworkDriver> {
    return await this.#context.networks();
  }

  /** The newest file of its log. Undefined when its output is not kept. */
  logFile(container: Container): string | undefined {
    return container.log.driver === "file" ? outputFile(this.#context, container) : undefined;
  }

  /** What makes it, for what only concerns what runs: execs, sizes of terminals. */
  async runtime(container: Container): Promise<Runtime> {
    return await this.#runtime(container);
  }

  /** The runtime of that name. */
  async runtimeOf(name: string): Promise<Runtime> {
    return await this.#context.runtime(name);
  }

  async stats(container: Container): Promise<ContainerStats> {
    return await (await this.#runtime(container)).stats(container.id);
  }

  async resize(container: Container, size: WindowSize): Promise<void> {
    await (await this.#runtime(container)).resize(container.id, size);
  }

  async #freeze(text: string, action: "pause" | "resume"): Promise<Container> {
    const container = await this.find(text);
    return container.isTransient
      ? await freezeTransient(this.#context, container, action)
      : await this.#change(container.id, (found) => freezeContainer(this.#context, found, action));
  }

  async #change<T>(text: string, work: (container: Container) => Promise<T>): Promise<T> {
    const { id, name, isTransient } = findContainer(this.#context, text);
    if (isTransient) throw boundToCommand("change", { name });
    using _lock = await lockContainer(this.#context, id);
    const container = await this.#settleLocked(id);
    if (container === undefined) throw new OrlopError("not-found", `Cannot find container "${name}": it was removed`);
    return await work(container);
  }

  async #settleLocked(id: string): Promise<Container | undefined> {
    const container = this.#context.rows.get(id);
    if (container?.state.status !== "removing") return container && (await settleContainer(this.#context, container));
    // Somebody was killed over it.
    await removeContainer(this.#context, container, {});
    return undefined;
  }

  async #runtime({ runtime }: Container): Promise<Runtime> {
    return await this.#context.runtime(runtime);
  }

  /**
   * For who makes a container that no database knows, once {@link EngineParts.transients} tells of it: whoever makes another
   * one meanwhile has seen that, or is seen here.
   *
   * @throws OrlopError `conflict` for a name that is taken
   */
  refuseKept(name: string): void {
    refuseKept(this.#context, name);
  }
}
