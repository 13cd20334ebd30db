import { decodeLinuxResources, decodeProcess, OrlopError } from "@orlop/core";
import { readCgroupStats } from "@orlop/kernel";
import { runtimeVersion } from "../oci/version-text.ts";
import { timestamp } from "../shim-protocol/events-api.ts";
import { TASK_STATUS, type TaskAnswer, type TaskReceived, taskApi } from "../shim-protocol/task-api.ts";
import { type Service, service } from "../ttrpc/ttrpc-server.ts";
import { Task, type TaskHost } from "./task.ts";
import { taskMetrics } from "./task-metrics.ts";
import { checkpointExits, processDetails, taskCgroupDriver } from "./task-options.ts";
import type { TaskExit } from "./task-process.ts";

interface TaskServiceOptions {
  readonly host: TaskHost;
  /** This container is there, or will not be. */
  readonly onCome: (id: string) => void;
  /** The last container is gone. */
  readonly onEmpty: () => void;
}

/** The task service for all containers of a server (containerd, api/runtime/task, in both versions). */
export class TaskService {
  readonly services: readonly Service[];
  readonly #options: TaskServiceOptions;
  /** Undefined while it is being made. */
  readonly #tasks = new Map<string, Task | undefined>();

  constructor(options: TaskServiceOptions) {
    this.#options = options;
    this.services = ([2, 3] as const).map((version) => this.#service(version));
  }

  get isEmpty(): boolean {
    return this.#tasks.size === 0;
  }

  /** Forgets containers that somebody else has removed: containerd's call for that may not have found us. */
  forgetVanished(): void {
    for (const [id, task] of this.#tasks) if (task?.hasVanished === true) this.#tasks.delete(id);
  }

  #service(version: 2 | 3): Service {
    return service(taskApi(version), {
      Create: (request, { signal }) => this.#create(request, signal),
      State: (request) => this.#state(request),
      Start: async ({ id, execId }) => ({ pid: (await this.#task(id).start(execId)).pid }),
      Delete: (request) => this.#delete(request),
      Pids: ({ id }) => this.#pids(id),
      Pause: ({ id }) => this.#pause(id),
      Resume: ({ id }) => this.#resume(id),
      Checkpoint: (request) => this.#checkpoint(request),
      Kill: async ({ id, execId, signal, all }) => {
        await this.#task(id).signal(execId, signal, all);
        return {};
      },
      Exec: (request) => this.#exec(request),
      ResizePty: async ({ id, execId, width, height }) => {
        await this.#task(id).resize(execId, { rows: height, columns: width });
        return {};
      },
      CloseIO: ({ id, execId, stdin }) => {
        if (stdin) this.#task(id).process(execId).streams.closeInput();
        return {};
      },
      Update: (request) => this.#update(request),
      Wait: async ({ id, execId }) => exitFields(await this.#task(id).process(execId).exited),
      Stats: ({ id }) => this.#stats(id),
      Connect: ({ id }) => {
        return { shimPid: process.pid, taskPid: this.#task(id).init.pid, version: runtimeVersion() };
      },
      // The server is not this container's alone: it leaves by itself when it has none.
      Shutdown: () => ({}),
    });
  }

  #task(id: string): Task {
    const task = this.#tasks.get(id);
    if (task !== undefined) return task;
    throw new OrlopError("not-found", `Cannot find container "${id}": it does not exist`);
  }

  /** Whoever asked for it and is gone will not come back for it. */
  async #create(
    { id, bundle, rootfs, ...request }: TaskReceived<"Create">,
    signal: AbortSignal,
  ): Promise<TaskAnswer<"Create">> {
    const { terminal, stdin, stdout, stderr, checkpoint, parentCheckpoint, options } = request;
    if (this.#tasks.has(id)) throw new OrlopError("exists", `Cannot create container "${id}": it exists`);
    const cgroupDriver = taskCgroupDriver(options);
    if (checkpoint !== "" || parentCheckpoint !== "") {
      throw new OrlopError("unsupported", `Cannot create container "${id}": restoring a checkpoint is not done yet`);
    }
    this.#tasks.set(id, undefined);
    try {
      const streams = { terminal, stdin, stdout, stderr };
      const task = await Task.create(this.#options.host, { id, bundle, rootfs, streams, cgroupDriver, signal });
      this.#tasks.set(id, task);
      return { pid: task.init.pid };
    } catch (error) {
      this.#forget(id);
      throw error;
    } finally {
      this.#options.onCome(id);
    }
  }

  #forget(id: string): void {
    this.#tasks.delete(id);
    if (this.isEmpty) this.#options.onEmpty();
  }

  async #state({ id, execId }: TaskReceived<"State">): Promise<TaskAnswer<"State">> {
    const task = this.#task(id);
    const { streams, status, pid, exit } = task.process(execId);
    const isPaused = execId === "" && status === "running" && (await task.runtime.state(id)).status === "paused";
    return {
      id,
      execId,
      bundle: task.bundle,
      pid,
      status: TASK_STATUS[isPaused ? "paused" : status],
      ...streams.names,
      ...(exit === undefined ? {} : exitFields(exit)),
    };
  }

  async #delete({ id, execId }: TaskReceived<"Delete">): Promise<TaskAnswer<"Delete">> {
    const task = this.#task(id);
    if (execId !== "") {
      const { pid, exit } = task.deleteExec(execId);
      return { pid, ...(exit === undefined ? {} : exitFields(exit)) };
    }
    const exit = await task.delete();
    this.#forget(id);
    return { pid: task.init.pid, ...exitFields(exit) };
  }

  async #pids(id: string): Promise<TaskAnswer<"Pids">> {
    const { execIds, runtime } = this.#task(id);
    const pids = await runtime.pids(id);
    return {
      processes: pids.map((pid) => {
        const execId = execIds.get(pid);
        return { pid, ...(execId === undefined ? {} : { info: processDetails(execId) }) };
      }),
    };
  }

  async #pause(id: string): Promise<TaskAnswer<"Pause">> {
    await this.#task(id).runtime.pause(id);
    this.#options.host.publish("TaskPaused", { containerId: id });
    return {};
  }

  async #resume(id: string): Promise<TaskAnswer<"Resume">> {
    await this.#task(id).runtime.resume(id);
    this.#options.host.publish("TaskResumed", { containerId: id });
    return {};
  }

  async #checkpoint({ id, path, options }: TaskReceived<"Checkpoint">): Promise<TaskAnswer<"Checkpoint">> {
    await this.#task(id).runtime.checkpoint(id, { imagePath: path, leaveRunning: !checkpointExits(options) });
    this.#options.host.publish("TaskCheckpointed", { containerId: id, checkpoint: path });
    return {};
  }

  async #exec({ id, execId, spec, ...streams }: TaskReceived<"Exec">): Promise<TaskAnswer<"Exec">> {
    const task = this.#task(id);
    if (spec === undefined) {
      throw new OrlopError("invalid", `Cannot exec in container "${id}": there is no process`, { field: "spec" });
    }
    await task.addExec(execId, decodeProcess(spec.value), streams);
    return {};
  }

  /** Annotations are for those to whom they say something; nothing of ours reads any. */
  async #update({ id, resources }: TaskReceived<"Update">): Promise<TaskAnswer<"Update">> {
    const { runtime } = this.#task(id);
    if (resources !== undefined) await runtime.update(id, decodeLinuxResources(resources.value));
    return {};
  }

  #stats(id: string): TaskAnswer<"Stats"> {
    const { cgroups } = this.#task(id);
    return { stats: taskMetrics(cgroups, readCgroupStats(cgroups)) };
  }
}

function exitFields({ exitStatus, atMs }: TaskExit): {
  readonly exitStatus: number;
  readonly exitedAt: ReturnType<typeof timestamp>;
} {
  return { exitStatus, exitedAt: timestamp(atMs) };
}
