import { setTimeout as pause } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { RetryableFailure } from "./http/retryable-failure.ts";
import { PROGRESS_BYTES, type RegistryLimits } from "./limits.ts";

type RetryLimits = Pick<RegistryLimits, "attemptsMax" | "firstPauseMs" | "pauseMaxMs" | "retryAfterMaxMs">;

/** How often something may still fail. */
export class RetryBudget {
  readonly #limits: RetryLimits;
  #failures = 0;
  #idleFailures = 0;
  #progressBytes = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** Bytes that came; enough of them, and earlier failures are forgotten. */
  progress(bytes: number): void {
    this.#progressBytes += bytes;
    if (this.#progressBytes < PROGRESS_BYTES) return;
    this.#progressBytes = 0;
    this.#failures = 0;
  }

  /** Returns when it is time for the next attempt. @throws what failed, when there is to be none */
  async failed(failure: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (!(failure instanceof RetryableFailure)) throw failure;
    if (signal?.aborted === true) throw failure.error;
    const { attemptsMax, firstPauseMs, pauseMaxMs, retryAfterMaxMs } = this.#limits;
    // Closed while it was idle: as many times as there are attempts it says nothing about the server.
    if (failure.wasIdle && this.#idleFailures++ < attemptsMax) return;
    this.#failures++;
    this.#progressBytes = 0;
    if (this.#failures >= attemptsMax) throw exhausted(failure.error, this.#failures);
    const { afterMs } = failure;
    if (afterMs !== undefined && afterMs > retryAfterMaxMs) throw tooLong(failure.error, afterMs);
    const backOff = Math.min(firstPauseMs * 2 ** (this.#failures - 1), pauseMaxMs);
    // So that not all who failed together come back together.
    const spread = backOff / 2 + (Math.random() * backOff) / 2;
    await pause(Math.max(afterMs ?? 0, spread), undefined, signal === undefined ? {} : { signal });
  }
}

/** Attempts something until it succeeds, fails for good or has failed too often. */
export async function withRetries<T>(
  limits: RetryLimits,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const budget = new RetryBudget(limits);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await budget.failed(error, signal);
    }
  }
}

function exhausted(error: OrlopError, attempts: number): OrlopError {
  return attempts === 1 ? error : withNote(error, `after ${attempts} attempts`);
}

function tooLong(error: OrlopError, afterMs: number): OrlopError {
  return withNote(error, `it asks to wait ${Math.ceil(afterMs / 1000)} s`);
}

/** The note comes before the lines that tell a way out. */
function withNote(error: OrlopError, note: string): OrlopError {
  const [first = "", ...rest] = error.message.split("\n");
  const { code, operation, errno, field } = error;
  return new OrlopError(code, [`${first} (${note})`, ...rest].join("\n"), {
    ...(operation === undefined ? {} : { operation }),
    ...(errno === undefined ? {} : { errno }),
    ...(field === undefined ? {} : { field }),
    cause: error.cause,
  });
}
