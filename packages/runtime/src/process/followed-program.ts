import { OrlopError } from "@orlop/core";
import { PROGRAM_LOST, type Program, type Report, SourceMap } from "@orlop/kernel";
import { CGROUPS_REMOVED } from "./cgroups.ts";
import { programFailure } from "./program-failure.ts";

/**
 * A program that was sent to a zygote, followed through its reports. It stays as long as what the program has made: the
 * program itself, which is large, it does not keep, and of who waits it knows nothing until it is asked to wait.
 */
export class FollowedProgram {
  /** Pid of the child, once it is ready. */
  readonly created: PromiseWithResolvers<number> = Promise.withResolvers();
  readonly started: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly exited: PromiseWithResolvers<Report> = Promise.withResolvers();
  /** The reaper has cleaned up; never rejects. */
  readonly ended: PromiseWithResolvers<void> = Promise.withResolvers();
  /**
   * Pid of the process that executes the program; it comes before the end, and not before anything else. Rejects at the end
   * where who was to say it had gone by then.
   */
  readonly begun: PromiseWithResolvers<number> = Promise.withResolvers();
  /** The reaper was killed: what it made is still there. */
  lost = false;
  /** The reaper has removed the cgroups, so that there is nothing in them or below them any more. */
  cgroupsRemoved = false;
  /** The exit is known, and nothing went wrong before it. */
  exitedCleanly = false;
  /** Pid of the child from when its program runs until it or its reaper has ended, as far as has been heard. */
  runningPid: number | undefined;
  #createdPid: number | undefined;
  readonly #source: SourceMap;
  readonly #onPaused: (report: Report) => void;
  #failure: OrlopError | undefined;
  #detached: PromiseWithResolvers<void> | undefined;
  #ready = false;

  /** `onPaused` hears of the child's stops; see WORD in supervision.ts. */
  constructor(program: Program, onPaused: (report: Report) => void = () => {}) {
    this.#source = new SourceMap(program);
    this.#onPaused = onPaused;
  }

  /** Resolves when the keys that let go of its terminal have been typed. */
  get detached(): Promise<void> {
    this.#detached ??= Promise.withResolvers();
    return this.#detached.promise;
  }

  readonly onReport = (report: Report): void => {
    switch (report.kind) {
      case "begun":
        this.begun.resolve(report.value);
        break;
      case "failed":
        // The first is the cause: a child that failed makes the reaper's next step fail, too.
        this.#failure ??= programFailure(this.#source, report.index, report.value);
        break;
      case "paused":
        this.#onPaused(report);
        break;
      case "created":
        this.#ready = true;
        this.#createdPid = report.value;
        this.created.resolve(report.value);
        break;
      case "started":
        if (this.#failure !== undefined || !this.#ready) break;
        this.runningPid = this.#createdPid;
        this.started.resolve();
        for (const role of STARTED_ROLES) this.#source.forget(role);
        break;
      case "detached":
        this.#detached ??= Promise.withResolvers();
        this.#detached.resolve();
        // The rest is only written down.
        this.#failure ??= new OrlopError("cancelled", "Cannot follow program: somebody has let go of it");
        break;
      case "exited":
        this.runningPid = undefined;
        if (this.#failure !== undefined || !this.#ready) break;
        this.exitedCleanly = true;
        this.exited.resolve(report);
        break;
      case "unstarted":
        this.#failure = new OrlopError("exhausted", "Cannot start program: the zygote could not clone");
        this.#end();
        break;
      case "ended":
        if (report.index === PROGRAM_LOST) {
          this.lost = true;
          this.#failure ??= new OrlopError("failed", "Cannot follow program: its reaper was killed");
        } else this.cgroupsRemoved = report.value === CGROUPS_REMOVED;
        this.#end();
        break;
      case "refused":
        this.fail(new OrlopError("internal", "Cannot start program: the zygote refused it"));
        break;
    }
  };

  /** Ends the following with an error of the caller's, unless the program failed first. */
  fail(error: OrlopError): void {
    this.#failure ??= error;
    this.#end();
  }

  /** Makes `error` the reason of the failure that will follow. */
  blame(error: OrlopError): void {
    this.#failure ??= error;
  }

  #end(): void {
    this.runningPid = undefined;
    if (!this.#ready) {
      this.#failure ??= new OrlopError("failed", "Cannot start program: it was killed before it was ready");
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      for (const { promise, reject } of [this.created, this.started, this.exited]) {
        // Nobody need wait for each of these: an unheard rejection is no crash.
        promise.catch(() => {});
        reject(failure);
      }
    }
    this.begun.promise.catch(() => {});
    this.begun.reject(failure ?? new OrlopError("failed", "Cannot follow program: who started it was killed"));
    this.started.resolve();
    this.ended.resolve();
  }
}

/** Those in programs of containers and execs that have become somebody else's program at the start. */
const STARTED_ROLES = ["init", "child"] as const;
