import { OrlopError } from "@orlop/core";
import { PROGRAM_LOST, type Program, type Report, SourceMap } from "@orlop/kernel";
import { programFailure } from "./program-failure.ts";

/** A program that was sent to a zygote, followed through its reports. */
export class FollowedProgram {
  /** Pid of the child, once it is ready. */
  readonly created: PromiseWithResolvers<number> = settled();
  readonly started: PromiseWithResolvers<void> = settled();
  readonly exited: PromiseWithResolvers<Report> = settled();
  /** The reaper has cleaned up; never rejects. */
  readonly ended: PromiseWithResolvers<void> = settled();
  /** Pid of the process that executes the program; it comes before the end, and not before anything else. */
  readonly begun: PromiseWithResolvers<number> = settled();
  /** The reaper was killed: what it made is still there. */
  lost = false;
  /** The exit is known, and nothing went wrong before it. */
  exitedCleanly = false;
  readonly program: Program;
  readonly #source: SourceMap;
  readonly #onPaused: (report: Report) => void;
  #failure: OrlopError | undefined;
  #ready = false;

  /** `onPaused` hears of the child's stops; see WORD in supervision.ts. */
  constructor(program: Program, onPaused: (report: Report) => void = () => {}) {
    this.program = program;
    this.#source = new SourceMap(program);
    this.#onPaused = onPaused;
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
        this.created.resolve(report.value);
        break;
      case "started":
        if (this.#failure === undefined && this.#ready) this.started.resolve();
        break;
      case "exited":
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
        }
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
    const early = new OrlopError("failed", "Cannot start program: it was killed before it was ready");
    const failure = this.#failure ?? (this.#ready ? undefined : early);
    if (failure !== undefined) {
      for (const promise of [this.created, this.started, this.exited]) promise.reject(failure);
    }
    this.started.resolve();
    this.ended.resolve();
  }
}

/** Nobody need wait for each of these: an unheard rejection is no crash. */
function settled<T>(): PromiseWithResolvers<T> {
  const deferred = Promise.withResolvers<T>();
  deferred.promise.catch(() => {});
  return deferred;
}
