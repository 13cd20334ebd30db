import { closeSync, constants, openSync } from "node:fs";
import { type ErrorCode, OrlopError } from "@orlop/core";
import {
  CONTROL_FD,
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  POLLFD,
  type Program,
  ProgramBuilder,
  type Report,
  reportBuffer,
  type Slot,
  SourceMap,
  systemFailure,
  Zygote,
} from "@orlop/kernel";

/** What callers tell apart. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  EPERM: "denied",
  EACCES: "denied",
  EOPNOTSUPP: "unsupported",
  ENOSYS: "unsupported",
  ENOTTY: "unsupported",
  ENOSPC: "exhausted",
  EDQUOT: "exhausted",
  ENOMEM: "exhausted",
};

/** System calls that Node does not have, done by a zygote that is started when it is needed first. */
export class SystemCalls implements Disposable {
  #zygote: Zygote | undefined;

  /** Executes a program. Throws what its first failing step says: it cannot `action`. */
  async run(action: string, emit: (p: ProgramBuilder) => void): Promise<void> {
    await this.ask(action, (p) => {
      emit(p);
      return undefined;
    });
  }

  /** The same for a program that has an answer: what is in a slot at its end. */
  async ask(action: string, emit: (p: ProgramBuilder) => Slot | undefined): Promise<number> {
    const p = new ProgramBuilder(hostArchitecture());
    const failed = p.label("failed");
    const report = reportBuffer(p);
    p.step({ action });
    p.handler(failed);
    const answer = emit(p);
    emitReport(p, report, "exited", answer === undefined ? {} : { value: answer });
    emitReport(p, report, "ended", { index: 0 });
    p.call("exit_group", [0]);
    p.mark(failed);
    emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
    emitReport(p, report, "ended", { index: 0 });
    p.call("exit_group", [0]);
    return await this.#submit(action, p.build());
  }

  /**
   * The directory that a program has at its end a descriptor of, in a slot, as a descriptor of this process, which stays when
   * the program's is gone: also of a mount that is attached nowhere.
   */
  async openDirectory(action: string, emit: (p: ProgramBuilder) => Slot): Promise<number> {
    let found: number | undefined;
    const p = new ProgramBuilder(hostArchitecture());
    const failed = p.label("failed");
    const [report, pid] = [reportBuffer(p), p.slot("pid")];
    p.step({ action });
    p.handler(failed);
    const directory = emit(p);
    p.call("getpid", [], { into: pid });
    emitReport(p, report, "paused", { index: directory, value: pid });
    // That ends it, and so does the end of this process, when nobody can take it any more.
    p.step({ action: "hold it until it is taken" });
    p.call("ppoll", [p.struct(POLLFD, { fd: CONTROL_FD }), 1, 0, 0, 8]);
    p.call("exit_group", [0]);
    p.mark(failed);
    emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
    emitReport(p, report, "ended", { index: 0 });
    p.call("exit_group", [0]);
    try {
      await this.#submit(action, p.build(), ({ index, value }) => {
        // The zygote has not waited for it yet: nobody else can have its number.
        try {
          found = openSync(`/proc/${value}/fd/${index}`, constants.O_RDONLY | constants.O_DIRECTORY);
        } catch (error) {
          throw systemFailure(action, error);
        } finally {
          process.kill(value, "SIGKILL");
        }
        return index;
      });
    } catch (error) {
      if (found !== undefined) closeSync(found);
      throw error;
    }
    if (found === undefined) throw new OrlopError("failed", `Cannot ${action}: the program was ended`);
    return found;
  }

  /** Everything that was written to the file system of a directory is on the disk afterwards. */
  async syncFileSystem(directory: string): Promise<void> {
    await this.run(`sync file system of "${directory}"`, (p) => {
      const fd = p.slot("directory");
      const flags = p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC");
      p.call("openat", [p.flags("AT_FDCWD"), p.text(directory), flags, 0], { into: fd });
      p.call("syncfs", [fd]);
    });
  }

  [Symbol.dispose](): void {
    this.#zygote?.close();
    this.#zygote = undefined;
  }

  /** @param onPaused gives the answer of a program that waits to be ended */
  async #submit(action: string, program: Program, onPaused?: (report: Report) => number): Promise<number> {
    if (this.#zygote?.alive !== true) {
      this.#zygote = Zygote.start();
      this.#zygote.unref();
    }
    const done = Promise.withResolvers<number>();
    let failure: Error | undefined;
    let answer: number | undefined;
    const source = new SourceMap(program);
    // Whoever waits for this keeps the process alive, as the zygote does not.
    const alive = setInterval(() => {}, 2 ** 30);
    this.#zygote.submit(program, (report: Report) => {
      const { kind, index, value } = report;
      if (kind === "paused" && onPaused !== undefined) {
        try {
          answer = onPaused(report);
        } catch (error) {
          failure ??= error as Error;
        }
      }
      if (kind === "failed") failure ??= stepFailure(source.step(index)?.action ?? action, value);
      if (kind === "exited") answer = value;
      if (kind === "unstarted") failure ??= stepFailure(action, value);
      if (kind !== "ended" && kind !== "unstarted" && kind !== "refused") return;
      if (answer !== undefined) done.resolve(answer);
      else done.reject(failure ?? new OrlopError("failed", `Cannot ${action}: the program was ended`));
    });
    try {
      return await done.promise;
    } finally {
      clearInterval(alive);
    }
  }
}

function stepFailure(action: string, errno: number): OrlopError {
  const name = errnoName(errno);
  return new OrlopError(CODES[name] ?? "failed", `Cannot ${action}: ${errnoWords(name)}`, {
    operation: action,
    errno: name,
  });
}
