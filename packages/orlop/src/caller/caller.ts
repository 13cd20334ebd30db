import type { AsyncLocalStorage } from "node:async_hooks";
import type { Readable, Writable } from "node:stream";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { Foreground, ForegroundOptions } from "../run/foreground.ts";
import { OwnProcess } from "./own-process.ts";

/** One of the two streams that a verb writes to. */
export interface Output extends Writable {
  readonly isTTY?: boolean | undefined;
  /** Of a terminal. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/**
 * Who has called a verb: where it takes words of the environment, relative paths and signals from, and what it writes to.
 * It is this process, unless somebody else's calls are carried out here, several at once: see docs/decisions/0019.
 */
export interface Caller {
  readonly env: NodeJS.ProcessEnv;
  /** Of the process that was called. */
  readonly pid: number;
  /** Its home directory. */
  readonly home: string;
  /** Relative paths start there. */
  readonly cwd: string;
  /** What files that are made in its place get besides their mode. */
  readonly umask: number;
  /** Of the process that was called: see caller-mark.ts. Absent: that is this one. */
  readonly mark?: string;
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether a standard descriptor is a terminal. */
  isTerminal(descriptor: 0 | 1 | 2): boolean;
  /** A path of the command line as this process can open it. */
  path(text: string): string;
  /** Hears of signals that the called process gets, which then do nothing else; until {@link off}. */
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void;
  /**
   * Does something that the caller need not wait for, once it has its answer where that can be earlier. It is nothing that
   * the caller could see undone, and others do it where this process does not come to it.
   */
  afterwards(work: () => void): void;
  /** Ends the call at once. */
  exit(status: number): void;
  /** Where this process carries out the calls of others. */
  readonly daemon?: Daemon;
}

/** What a process that stays has at hand for each call. */
export interface Daemon {
  readonly engine: OpenEngine;
  /** The caller's own process as what stands for a container. */
  openForeground(options: ForegroundOptions): Promise<Foreground>;
  /** Looks after containers that are to be started again or removed, as long as there are such. */
  attend(): void;
}

/** Absent where nobody's calls are carried out but this process's own, which then load nothing for it. */
let calls: AsyncLocalStorage<Caller> | undefined;
let own: Caller | undefined;

/** Who has called what is being done just now. Kept by who hears of events later: those come without a caller. */
export function caller(): Caller {
  const called = calls?.getStore();
  if (called !== undefined) return called;
  own ??= new OwnProcess();
  return own;
}

/** Does something for a caller: all that it leads to has it as its {@link caller}. */
export function callFor<T>(who: Caller, work: () => T): T {
  const { AsyncLocalStorage } = process.getBuiltinModule("node:async_hooks");
  calls ??= new AsyncLocalStorage();
  return calls.run(who, work);
}
