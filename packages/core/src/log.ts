/** A piece of a container's output. */
export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** When it was read from the container: Unix time in nanoseconds. */
  readonly timeNs: bigint;
  readonly data: Buffer;
}

/** What keeps a run's output; see {@link Logs.start}. */
export interface LogRequest {
  /** Absolute, of this user alone, and there: it gets the FIFOs `stdout`, `stderr` unless `terminal`, and `stdin` if asked for. */
  readonly directory: string;
  readonly stdin: boolean;
  /** There is one stream, the terminal's, which comes over `stdout`. */
  readonly terminal: boolean;
  /** Absolute path of the log. It is appended to. */
  readonly file: string;
  /** A file that would get larger is put aside as `file.1`, and that as `file.2`; absent: never. */
  readonly maxSizeBytes?: number;
  /** The container is there already: what watched over its output was killed. */
  readonly resume?: boolean;
  /** How many files there are at most, the one that is written to among them. */
  readonly maxFiles?: number;
}

export interface LogOptions {
  /** Unix time in nanoseconds; both are within. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  /** Only so many of the last lines. */
  readonly tailLines?: number;
  /** Go on until the run has ended. */
  readonly follow?: boolean;
  /** Pieces as they came, at once, rather than whole lines. */
  readonly raw?: boolean;
  readonly signal?: AbortSignal;
}

/** The `Logs` contract: the output of containers that nobody needs to listen to. */
export interface Logs {
  /**
   * Starts what writes down all that comes through the FIFOs until their last writer has gone, whatever becomes of this
   * process. Resolves when they are there and open. What a dead one has left behind is gone on with.
   */
  start(request: LogRequest): Promise<{ readonly pid: number }>;
  /** A file that is not there holds nothing. */
  read(file: string, options?: LogOptions): AsyncIterable<LogEntry>;
}
