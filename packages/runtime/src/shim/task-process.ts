import { OrlopError } from "@orlop/core";
import type { TaskStreams } from "./task-streams.ts";

/** How a process ended, as containerd takes it. */
export interface TaskExit {
  /** As a shell has it: 128 + n where signal n ended it. */
  readonly exitStatus: number;
  readonly atMs: number;
}

/** Of a process whose end nobody has seen, or that could not be started. */
export const UNKNOWN_STATUS = 255;

type Status = "created" | "running" | "stopped";

/** A process that containerd has asked for: the init of a container, or an exec. */
export class TaskProcess {
  /** Empty for init. */
  readonly execId: string;
  readonly streams: TaskStreams;
  /** Resolves when it has ended; rejects when it is deleted before it was started. */
  readonly exited: Promise<TaskExit>;
  readonly #exited = Promise.withResolvers<TaskExit>();
  #pid = 0;
  #status: Status = "created";
  #exit: TaskExit | undefined;

  constructor(execId: string, streams: TaskStreams) {
    this.execId = execId;
    this.streams = streams;
    this.exited = this.#exited.promise;
    // Nobody need wait for it.
    this.exited.catch(() => {});
  }

  /** As the host numbers it; 0 before there is one. */
  get pid(): number {
    return this.#pid;
  }

  get status(): Status {
    return this.#status;
  }

  get exit(): TaskExit | undefined {
    return this.#exit;
  }

  /** The process is there; init waits for its start then. */
  becomes(pid: number): void {
    this.#pid = pid;
  }

  /** Its program runs. */
  runs(): void {
    if (this.#status === "created") this.#status = "running";
  }

  ends(exit: TaskExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.#status = "stopped";
    this.streams[Symbol.dispose]();
    this.#exited.resolve(exit);
  }

  /** It is deleted: who waits for an end that never comes is told. */
  [Symbol.dispose](): void {
    this.streams[Symbol.dispose]();
    this.#exited.reject(new OrlopError("not-found", `Cannot wait for "${this.execId}": it was deleted`));
  }
}
