import type { ExecCPUAffinity } from "@orlop/core";
import { numberListMask } from "../process/number-list.ts";

/**
 * Tells the debug log how far the making of a process has come. runc's names for the same stages stand in each line: they
 * are what people and scripts that read such a log know.
 */
export class StageLog {
  readonly #debug: (text: string) => void;
  readonly #what: string;

  /** @param what the process: `init of container "a"` */
  constructor(debug: (text: string) => void, what: string) {
    this.#debug = debug;
    this.#what = what;
  }

  /** @param seccompFlags the flags argument of seccomp(2), where there is a filter */
  compiled(seccompFlags: number | undefined): void {
    if (seccompFlags !== undefined) this.#debug(`seccomp filter flags: ${seccompFlags}`);
  }

  /** The program that makes the process has been sent. */
  sent(affinity: ExecCPUAffinity = {}): void {
    this.#tell("is being made by a program of system calls", "nsexec container setup");
    const { initial = "" } = affinity;
    if (initial === "") return;
    this.#tell(`begins on CPUs ${initial}`, `nsexec: affinity: 0x${maskDigits(initial)}`);
  }

  created(pid: number): void {
    this.#tell(`is process ${pid}`, "child process in init()");
  }

  /** Init has nothing left to do before its start. */
  ready(): void {
    this.#tell("is ready to start", "init: closing the pipe to signal completion");
  }

  /** A further process, which is on its own now. */
  executed(): void {
    this.#tell("executes its program", "setns_init: about to exec");
  }

  #tell(what: string, words: string): void {
    this.#debug(`${this.#what} ${what} (${words})`);
  }
}

/** The highest digit first. */
function maskDigits(list: string): string {
  const digits = numberListMask(list).reverse().toString("hex");
  return digits.replace(/^0+(?=.)/, "");
}
