import type { CreateRequest, ExecRequest, ExitStatus, StartedExec, State, WindowSize } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { RuntimeChoice } from "./runtime-choice.ts";

export interface ForegroundOptions {
  readonly runtime: RuntimeChoice;
  readonly stateDirectory: string;
  /** The process has a terminal. */
  readonly tty: boolean;
  /** It reads what the caller types. */
  readonly interactive: boolean;
  /** Signals that the caller gets are passed on to it. */
  readonly signalProxy: boolean;
  /** So many descriptors of the caller's, from 3 up, are passed on. */
  readonly preservedFds?: number;
}

/** A process that has been started, and the size of its terminal then. */
export interface ForegroundProcess {
  readonly id: string;
  readonly execId?: string;
  readonly size?: WindowSize | undefined;
}

/**
 * The streams, terminal and signals of a caller, on their way to one process that the call stands for. Whoever has a terminal
 * open can read what is typed there: a process without one of its own gets pipes instead.
 */
export interface Foreground extends AsyncDisposable {
  /** Creates and starts a container; leaves nothing on failure. `inherit` is the caller's. */
  run(request: CreateRequest): Promise<State>;
  exec(request: ExecRequest): Promise<StartedExec>;
  /** From here on signals and sizes of the terminal are passed on. */
  attach(process: ForegroundProcess): void;
  wait(process: ForegroundProcess, signal?: AbortSignal): Promise<ExitStatus>;
  delete(id: string, options?: { readonly force?: boolean }): Promise<void>;
}

/** What stands between the caller and a process in the foreground. @throws OrlopError */
export async function openForeground(options: ForegroundOptions): Promise<Foreground> {
  const { daemon } = caller();
  if (daemon !== undefined) return await daemon.openForeground(options);
  const { OwnForeground } = await import("./own-foreground.ts");
  return await OwnForeground.open(options);
}
