import { statSync } from "node:fs";
import { constants, homedir } from "node:os";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { hostArchitecture, systemFailure } from "@orlop/kernel";
import type { Hello } from "@orlop/runtime/launcher";
import { type Caller, callFor, type Daemon } from "../caller/caller.ts";
import { NotHere } from "../caller/not-here.ts";
import type { CallHands } from "./call-hands.ts";
import { CallerOutput } from "./caller-output.ts";
import { isTerminalOf } from "./caller-terminal.ts";
import { compileEndBySignal, compileStop } from "./end-by-signal-program.ts";

type SignalListener = (signal: NodeJS.Signals) => void;

/** What signals do to a process that has not asked for them, where that is not to end it: signal(7). */
const IGNORED: ReadonlySet<NodeJS.Signals> = new Set(["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"]);
const STOPPING: ReadonlySet<NodeJS.Signals> = new Set(["SIGTSTP", "SIGTTIN", "SIGTTOU"]);

/** Names that mean another file in every process. */
const OWN_FILES = /^\/(?:dev\/(?:stdin|stdout|stderr|tty|fd(?:\/|$))|proc\/(?:self|thread-self)(?:\/|$))/;

/** Somebody whose call is carried out here, in a process that is not the called one. */
export class RemoteCaller implements Caller {
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly home: string;
  readonly cwd: string;
  readonly umask: number;
  readonly mark: string;
  readonly stdout: CallerOutput;
  readonly stderr: CallerOutput;
  readonly daemon: Daemon;
  /** Resolves with the status of a call that has been ended before it was done. */
  readonly ended: Promise<number>;
  readonly #hands: CallHands;
  /** Absent once the call has been answered. */
  #afterwards: (() => void)[] | undefined = [];
  readonly #listeners = new Map<NodeJS.Signals, Set<SignalListener>>();
  #isEnding = false;
  readonly #exit: PromiseWithResolvers<number> = Promise.withResolvers<number>();

  /** @param mark of the called process: see caller-mark.ts */
  constructor({ environment, cwd, umask, pid }: Hello, mark: string, hands: CallHands, daemon: Daemon) {
    this.env = { ...environment };
    this.home = environment.HOME !== undefined && environment.HOME !== "" ? environment.HOME : homedir();
    this.cwd = cwd;
    this.umask = umask;
    this.mark = mark;
    this.stdout = new CallerOutput(hands, pid, 1);
    this.stderr = new CallerOutput(hands, pid, 2);
    // Whoever prints hears of it, and the end of the call does.
    this.stdout.on("error", () => {});
    this.stderr.on("error", () => {});
    this.daemon = daemon;
    this.ended = this.#exit.promise;
    this.pid = pid;
    this.#hands = hands;
  }

  get stdin(): Readable {
    throw new NotHere("standard input is the caller's");
  }

  isTerminal(descriptor: 0 | 1 | 2): boolean {
    if (descriptor === 0) return isTerminalOf(this.pid, 0);
    return descriptor === 1 ? this.stdout.isTTY : this.stderr.isTTY;
  }

  path(text: string): string {
    const absolute = resolve(this.cwd, text);
    if (OWN_FILES.test(absolute) || isPipe(absolute)) throw new NotHere(absolute);
    return absolute;
  }

  on(signal: NodeJS.Signals, listener: SignalListener): void {
    const listeners = this.#listeners.get(signal) ?? new Set();
    this.#listeners.set(signal, listeners.add(listener));
  }

  off(signal: NodeJS.Signals, listener: SignalListener): void {
    this.#listeners.get(signal)?.delete(listener);
  }

  /** A signal that the called process has got; where nobody hears of it, it does what it does to every process. */
  take(number: number): void {
    const [name] = Object.entries(constants.signals).find(([, each]) => each === number) ?? [];
    const signal = name as NodeJS.Signals | undefined;
    const listeners = [...((signal && this.#listeners.get(signal)) ?? [])];
    if (signal !== undefined && listeners.length > 0) {
      callFor(this, () => {
        for (const listener of listeners) listener(signal);
      });
      return;
    }
    if (!this.#hands.alive || (signal !== undefined && IGNORED.has(signal))) return;
    if (signal !== undefined && STOPPING.has(signal)) {
      this.#hands.submit(compileStop(hostArchitecture()), () => {});
    } else this.#hands.become(compileEndBySignal(hostArchitecture(), number));
  }

  afterwards(work: () => void): void {
    if (this.#afterwards === undefined) work();
    else this.#afterwards.push(work);
  }

  /** It has its answer: does what was left for then, all of it. @throws what one of them has thrown */
  answered(): void {
    const works = this.#afterwards ?? [];
    this.#afterwards = undefined;
    using stack = new DisposableStack();
    for (const work of works.toReversed()) stack.defer(work);
  }

  exit(status: number): void {
    this.#isEnding = true;
    this.#exit.resolve(status);
  }

  /** Resolves when all that it said is said, or kept for its end, with the status that it ends with. */
  async settle(status: number): Promise<number> {
    let ended = status;
    try {
      await this.stdout.settle();
    } catch (error) {
      // Whoever printed it hears of that first, and may have said so and ended the call.
      await setImmediate();
      if (!this.#isEnding) ended = this.#endUnheard(error as NodeJS.ErrnoException);
    }
    // What is wrong need not be heard.
    await this.stderr.settle().catch(() => {});
    return ended;
  }

  /** A reader that has gone wants no more of it. */
  #endUnheard(error: NodeJS.ErrnoException): number {
    if (error.code === "EPIPE") return 0;
    this.stderr.write(`orlop: ${systemFailure("write to standard output", error).message}\n`);
    return 1;
  }
}

/** What waits for another process when it is opened may keep only its own caller waiting. */
function isPipe(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  } catch {
    return false;
  }
}
