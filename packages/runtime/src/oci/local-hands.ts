import assert from "node:assert/strict";
import { FIRST_DESCRIPTOR, type Program, type Report, Zygote, type ZygoteEnd } from "@orlop/kernel";
import type { Hands } from "./hands.ts";
import { isInherited } from "./is-inherited.ts";

/** Hands that this process starts itself, on first use: most verbs execute no program. */
export class LocalHands implements Hands {
  #zygoteIfStarted: Zygote | undefined;
  /** Descriptors of this process that programs get, in the order of their numbers there. */
  readonly #descriptors: number[] = [];
  #became = false;

  get alive(): boolean {
    return this.#zygoteIfStarted?.alive ?? true;
  }

  submit(program: Program, onReport: (report: Report) => void): void {
    this.#zygote.submit(program, onReport);
  }

  become(program: Program, onReport: (report: Report) => void): void {
    this.#zygote.become(program, onReport);
    this.#became = true;
  }

  release(status: number): void {
    this.#zygoteIfStarted?.release(status);
  }

  descriptor(fd: number): number | undefined {
    if (!isInherited(fd)) return undefined;
    const known = this.#descriptors.indexOf(fd);
    if (known >= 0) return FIRST_DESCRIPTOR + known;
    assert(this.#zygoteIfStarted === undefined, "descriptors are asked for before the first program is executed");
    return FIRST_DESCRIPTOR + this.#descriptors.push(fd) - 1;
  }

  close(): void {
    this.#zygoteIfStarted?.close();
  }

  /**
   * How the program ended that the hands have become, with signals passed on to it until then; undefined where they have
   * become none.
   */
  async end(): Promise<ZygoteEnd | undefined> {
    if (!this.#became || this.#zygoteIfStarted === undefined) return undefined;
    const stop = passSignals(this.#zygoteIfStarted.pid);
    try {
      return await this.#zygoteIfStarted.ended;
    } finally {
      stop();
    }
  }

  get #zygote(): Zygote {
    this.#zygoteIfStarted ??= Zygote.start({ stdio: "inherit", descriptors: this.#descriptors });
    return this.#zygoteIfStarted;
  }
}

/** The hands have a session of their own, so that what a terminal sends reaches only this process as well. */
const PASSED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
  "SIGTSTP",
  "SIGWINCH",
];

/** Returns what ends it. */
function passSignals(pid: number | undefined): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch {
      // It ended at this moment, which is what we wait for.
    }
  };
  for (const signal of PASSED) process.on(signal, pass);
  return () => {
    for (const signal of PASSED) process.off(signal, pass);
  };
}
