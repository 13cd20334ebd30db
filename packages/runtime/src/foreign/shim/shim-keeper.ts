import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CreateRequest, OrlopError, type State } from "@orlop/core";
import { unsupervisedInit } from "../../process/container-status.ts";
import { endProcess } from "../../process/end-process.ts";
import { FollowedProgram } from "../../process/followed-program.ts";
import type { ZygoteLike } from "../../process/own-zygote.ts";
import type { HostView } from "../../process/supervision.ts";
import { type ShimStart, WANTS_BOOTSTRAP_PARAMS } from "../../shim-protocol/bootstrap.ts";
import { COMMAND_FAILED, compileForeign, type ForeignPlan } from "../compile-foreign.ts";
import type { ForeignContainer } from "../foreign-container.ts";
import { rootOf } from "../hosted-spec.ts";
import { type ShimBinary, START_FILES } from "./shim-binary.ts";
import { eventsSocket, hearEvents, writePublisher } from "./shim-events.ts";
import { shimFailure } from "./shim-failure.ts";
import { ShimStreams } from "./shim-streams.ts";
import { ShimTask } from "./shim-task.ts";

/** containerd's namespaces: we are the only caller of our shims, so that one does. */
const NAMESPACE = "orlop";
/** In the root directory: where a runc behind a shim keeps its state. */
export const RUNC_ROOT = ".runtime";
/** A shim that was told to leave and does not is killed. */
const SHUTDOWN_TIME_MAX_MS = 10_000;
/** How often one is looked at whose keeper was killed. */
const SHIM_LOOK_MS = 20;

/** What this process knows beyond the container's directory: it has started the shim. */
interface Ours {
  readonly keeper: FollowedProgram;
  readonly events: AsyncDisposable;
}

interface ShimKeeperOptions {
  readonly binary: ShimBinary;
  readonly root: string;
  readonly host: HostView;
  readonly zygote: () => ZygoteLike;
}

/** Starts the shim of each container, holds the connection to it, and removes it with all that it has left. */
export class ShimKeeper {
  readonly #options: ShimKeeperOptions;
  readonly #publisher: string;
  readonly #ours = new Map<string, Ours>();
  readonly #tasks = new Map<string, ShimTask>();
  /** The shim takes its parameters as a message; known from its first start on. */
  #takesParams = false;

  constructor(options: ShimKeeperOptions) {
    this.#options = options;
    this.#publisher = writePublisher(options.root);
  }

  /** Resolves when the shim listens, and where is known. */
  async start(request: CreateRequest, container: ForeignContainer, doing: string): Promise<ShimTask> {
    const { binary, host, zygote } = this.#options;
    const root = container.writeBundle(request, host);
    // Shims open it to write their log to; containerd has a pipe there.
    writeFileSync(join(container.bundle, "log"), "", { mode: 0o600 });
    const events = await hearEvents(container.directory.path);
    // Twice at most: a shim of 2.3 refuses the older way to start it, and has done nothing then.
    for (;;) {
      const program = compileForeign(this.#plan(request, container, root));
      const keeper = new FollowedProgram(program);
      this.#ours.set(request.id, { keeper, events });
      zygote().submit(program, keeper.onReport);
      try {
        await keeper.created.promise;
        // Whoever ends the shim: nobody sends events then.
        void keeper.ended.promise.then(() => (keeper.lost ? undefined : events[Symbol.asyncDispose]()));
        ShimTask.keep(container.directory, binary.path);
        return await this.task(container);
      } catch (error) {
        if (!this.#mayTakeParams(container, error)) throw startFailure(container, error, doing);
        await keeper.ended.promise;
        this.#takesParams = true;
      }
    }
  }

  /** The connection to the shim of a container. */
  async task({ id, directory }: ForeignContainer): Promise<ShimTask> {
    const known = this.#tasks.get(id);
    if (known?.isOpen === true) return known;
    const task = await ShimTask.connect(directory);
    this.#tasks.set(id, task);
    return task;
  }

  /** Removes a container whatever its state, and whether its shim lives or not. */
  async remove(container: ForeignContainer, status?: State["status"]): Promise<void> {
    const { directory, id } = container;
    const socket = ShimTask.socketOf(directory);
    if (socket === undefined) {
      directory.tryCommand("signal", constants.signals.SIGKILL);
      await this.#untilKeeperIsGone(container);
      // Where the keeper lived it has cleaned up after a shim that did not start, or that nobody wanted any more.
      if (this.#ours.get(id)?.keeper.lost !== false) await this.#cleanUp(container).catch(() => {});
    } else if (directory.exit() !== undefined) {
      await this.#cleanUp(container);
    } else if (!(await this.#askToLeave(container, status))) {
      await this.#kill(container);
    }
    if (socket?.startsWith("/")) rmSync(socket, { force: true });
    await this.#forget(container, status !== "stopped");
  }

  /** Lets go of the shims; those whose containers are not detached end with the zygote. */
  close(): void {
    for (const task of this.#tasks.values()) task.close();
    for (const { events } of this.#ours.values()) void events[Symbol.asyncDispose]();
    this.#tasks.clear();
    this.#ours.clear();
  }

  #plan(request: CreateRequest, container: ForeignContainer, path: string): ForeignPlan {
    const { binary, host } = this.#options;
    const rootfs = rootOf(request);
    const start = this.#start(container);
    return {
      host,
      stateDirectory: container.directory.path,
      stdio: { stdin: "null", stdout: "null", stderr: "null" },
      terminal: false,
      detached: request.detached === true,
      make: binary.start(start, container.bundle, this.#takesParams),
      pid: "only",
      remove: binary.remove(start, container.bundle),
      root: rootfs.kind === "directory" ? undefined : { request, rootfs, path },
      hidden: [],
    };
  }

  #start(container: ForeignContainer): ShimStart {
    return {
      id: container.id,
      namespace: NAMESPACE,
      address: this.#options.root,
      eventsAddress: eventsSocket(container.directory.path),
      publishBinary: this.#publisher,
    };
  }

  #mayTakeParams({ directory }: ForeignContainer, error: unknown): boolean {
    if (this.#takesParams || (error as OrlopError).field !== COMMAND_FAILED) return false;
    return WANTS_BOOTSTRAP_PARAMS.test(readStartErrors(directory.path));
  }

  /** False when the shim does not answer, or does not do what it is told. */
  async #askToLeave(container: ForeignContainer, status: State["status"] | undefined): Promise<boolean> {
    const { id } = container;
    try {
      const task = await this.task(container);
      await endTask(task, id, status);
      await task.call("Delete", { id }).catch(ignoreMissing);
      // It may leave before it has answered.
      await task.call("Shutdown", { id }).catch(() => {});
    } catch {
      return false;
    }
    await this.#untilGone(container, SHUTDOWN_TIME_MAX_MS);
    return true;
  }

  async #kill(container: ForeignContainer): Promise<void> {
    await this.#untilGone(container, 0);
    await this.#cleanUp(container);
  }

  /** What the shim's own program does for one that is dead. */
  async #cleanUp(container: ForeignContainer): Promise<void> {
    const { binary } = this.#options;
    if (binary.mayHaveLeft(container.bundle)) await binary.runRemove(this.#start(container), container.bundle);
  }

  /** Resolves when the shim has ended; it is killed when that takes longer than it may. */
  async #untilGone(container: ForeignContainer, timeMaxMs: number): Promise<void> {
    const { id, directory } = container;
    const kill = (): void => directory.tryCommand("signal", constants.signals.SIGKILL);
    const timer = setTimeout(kill, timeMaxMs);
    try {
      await this.#untilKeeperIsGone(container);
    } finally {
      clearTimeout(timer);
    }
    const { host, zygote } = this.#options;
    using shim = unsupervisedInit(directory, directory.record(id), host.bootId);
    if (shim === undefined) return;
    // The keeper was killed: the shim is nobody's child that we could wait for.
    for (const deadline = performance.now() + timeMaxMs; shim.alive() && performance.now() < deadline; ) {
      await sleep(SHIM_LOOK_MS);
    }
    await endProcess({ zygote: zygote(), host }, shim);
  }

  async #untilKeeperIsGone({ id, directory }: ForeignContainer): Promise<void> {
    await (this.#ours.get(id)?.keeper.ended.promise ?? directory.waitForReaper());
  }

  /** What a container that was ended by force has said is not waited for any longer than others may need to take it. */
  async #forget(container: ForeignContainer, isForced: boolean): Promise<void> {
    const { id, directory } = container;
    this.#tasks.get(id)?.close();
    this.#tasks.delete(id);
    await this.#ours.get(id)?.events[Symbol.asyncDispose]();
    this.#ours.delete(id);
    const streams = ShimStreams.of(container.streams.path);
    streams.leave();
    if (isForced) {
      await streams.rest();
      streams.drop();
    }
    await streams.end();
    await container.sweep(join(this.#options.root, RUNC_ROOT, NAMESPACE, id));
    directory.remove();
  }
}

/** What the shim said when it was started. */
function readStartErrors(directory: string): string {
  try {
    return readFileSync(join(directory, START_FILES.stderr), "utf8").trim();
  } catch {
    return "";
  }
}

function startFailure({ directory }: ForeignContainer, error: unknown, doing: string): unknown {
  if ((error as OrlopError).field !== COMMAND_FAILED) return error;
  const said = readStartErrors(directory.path);
  return shimFailure(doing, new OrlopError("failed", said === "" ? "the shim did not say why" : said));
}

/** Ends what still runs. A process that is frozen does not end. */
async function endTask(task: ShimTask, id: string, status: State["status"] | undefined): Promise<void> {
  if (status === undefined || status === "stopped" || status === "creating") return;
  if (status === "paused") await task.call("Resume", { id });
  await task.call("Kill", { id, signal: constants.signals.SIGKILL }).catch(ignoreMissing);
  await task.call("Wait", { id });
}

function ignoreMissing(error: OrlopError): void {
  if (error.code !== "not-found") throw error;
}
