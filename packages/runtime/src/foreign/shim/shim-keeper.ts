import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type CreateRequest, OrlopError, type State } from "@orlop/core";
import { FollowedProgram } from "../../process/followed-program.ts";
import type { ZygoteLike } from "../../process/process-runtime.ts";
import type { HostView } from "../../process/supervision.ts";
import { COMMAND_FAILED, compileForeign, type ForeignPlan } from "../compile-foreign.ts";
import type { ForeignContainer } from "../foreign-container.ts";
import { rootOf } from "../hosted-spec.ts";
import { type ShimStart, WANTS_BOOTSTRAP_PARAMS } from "./bootstrap.ts";
import { type ShimBinary, START_FILES } from "./shim-binary.ts";
import { eventsSocket, hearEvents, writePublisher } from "./shim-events.ts";
import { shimFailure } from "./shim-failure.ts";
import { ShimStreams } from "./shim-streams.ts";
import { ShimTask } from "./shim-task.ts";

/** containerd's namespaces: we are the only caller of our shims, so that one does. */
const NAMESPACE = "orlop";
/** A shim that was told to leave and does not is killed. */
const SHUTDOWN_TIME_MAX_MS = 10_000;

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
        void keeper.ended.promise.then(() => events[Symbol.asyncDispose]());
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
      // Where the keeper lives it has cleaned up after a shim that did not start.
      if (this.#ours.get(id)?.keeper.lost !== false) await this.#cleanUp(container).catch(() => {});
    } else if (directory.exit() !== undefined) {
      await this.#cleanUp(container);
    } else if (!(await this.#askToLeave(container, status))) {
      await this.#kill(container);
    }
    if (socket?.startsWith("/")) rmSync(socket, { force: true });
    await this.#forget(container);
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
    await this.#untilGone(container);
    return true;
  }

  async #kill(container: ForeignContainer): Promise<void> {
    container.directory.tryCommand("signal", constants.signals.SIGKILL);
    await this.#untilGone(container);
    await this.#cleanUp(container);
  }

  /** What the shim's own program does for one that is dead. There is nothing to do without a bundle. */
  async #cleanUp(container: ForeignContainer): Promise<void> {
    if (!existsSync(container.bundle)) return;
    await this.#options.binary.runRemove(this.#start(container), container.bundle);
  }

  async #untilGone({ id, directory }: ForeignContainer): Promise<void> {
    const kill = (): void => directory.tryCommand("signal", constants.signals.SIGKILL);
    const timer = setTimeout(kill, SHUTDOWN_TIME_MAX_MS);
    try {
      await (this.#ours.get(id)?.keeper.ended.promise ?? directory.waitForReaper());
    } finally {
      clearTimeout(timer);
    }
  }

  async #forget(container: ForeignContainer): Promise<void> {
    const { id, directory } = container;
    this.#tasks.get(id)?.close();
    this.#tasks.delete(id);
    await this.#ours.get(id)?.events[Symbol.asyncDispose]();
    this.#ours.delete(id);
    await ShimStreams.of(container.streams.path).end();
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
