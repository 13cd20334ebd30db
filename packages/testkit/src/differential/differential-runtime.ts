/** A bundle that is ready to run: config.json and the root file system exist. */
export interface DifferentialBundle {
  /** The container's id, unique on the machine. */
  readonly id: string;
  /** Absolute. */
  readonly path: string;
  /** The process gets a terminal, and `stdout` is what it wrote to it. */
  readonly terminal: boolean;
}

/** How a run ended, as a shell would report it: 128 + n after signal n. A runtime that refuses to run reports 1. */
export interface DifferentialResult {
  readonly exitCode: number;
  /** The signal that ended the runtime itself; a signal that ended the container's process is in `exitCode`. */
  readonly signal: string | undefined;
  readonly stdout: string;
  /** The container's and the runtime's own words. */
  readonly stderr: string;
}

/** One of the runtimes that are compared. */
export interface DifferentialRuntime {
  readonly name: string;
  /** Creates, starts, waits for and deletes the container; leaves nothing, also when it fails. */
  run(bundle: DifferentialBundle): Promise<DifferentialResult>;
}
