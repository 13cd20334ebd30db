/** What a registry may cost us. */
export interface RegistryLimits {
  /** Failures in a row, until it is given up. */
  readonly attemptsMax: number;
  /** Before the second attempt; it doubles with each. */
  readonly firstPauseMs: number;
  readonly pauseMaxMs: number;
  /** A server that asks for a longer pause (RFC 9110, section 10.2.3) is given up. */
  readonly retryAfterMaxMs: number;
  /** Without a byte for so long, a connection is given up. */
  readonly stallMaxMs: number;
  /** The same while a server takes in what was pushed: some copy it elsewhere before they answer. */
  readonly commitMaxMs: number;
  /** Parts of one blob that are on their way at once. */
  readonly rangesMax: number;
  readonly rangeBytes: number;
  /** A connection that brings so much is left to bring a blob alone: nothing unpacks faster. `Infinity`: none is. */
  readonly fastBytesPerSecond: number;
  /** A blob that is larger is pushed in several requests. */
  readonly uploadChunkBytes: number;
  /** What of a blob has come and is not yet written. */
  readonly unwrittenMaxBytes: number;
}

export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = {
  attemptsMax: 5,
  firstPauseMs: 250,
  pauseMaxMs: 8_000,
  retryAfterMaxMs: 60_000,
  stallMaxMs: 30_000,
  commitMaxMs: 300_000,
  rangesMax: 4,
  rangeBytes: 8 * 1024 * 1024,
  fastBytesPerSecond: 50_000_000,
  uploadChunkBytes: 64 * 1024 * 1024,
  unwrittenMaxBytes: 4 * 1024 * 1024,
};

/** For so long it is looked how fast a connection is. */
export const SPEED_WINDOW_MS = 40;
export const REDIRECTS_MAX = 8;
/** What is read of an answer that tells of an error. */
export const ERROR_BODY_MAX_BYTES = 65_536;
/** After so many bytes a transfer counts as going on, and failures are counted anew. */
export const PROGRESS_BYTES: number = 1024 * 1024;
