/** When a container that has ended is started again (docker's words). */
export type RestartPolicy =
  | { readonly name: "no" | "always" | "unless-stopped" }
  | { readonly name: "on-failure" /** 0: without a limit. */; readonly maximumRetryCount: number };

/** How a run ended, as far as a policy asks. */
interface EndedRun {
  readonly exitCode: number;
  /** Somebody asked for the end. */
  readonly isStoppedByUser: boolean;
  /** Starts by the policy since a run that lasted. */
  readonly restartCount: number;
}

/** Whether it is to be started again now. */
export function wantsRestart(policy: RestartPolicy, { exitCode, isStoppedByUser, restartCount }: EndedRun): boolean {
  if (isStoppedByUser) return false;
  switch (policy.name) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && (policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount);
  }
}

const FIRST_DELAY_MS = 100;
const DELAY_MAX_MS = 60_000;
/** A run that has lasted so long was no failed attempt. */
export const LASTING_RUN_MS = 10_000;

/** So long it is waited before the start after `restartCount` others: twice as long each time, from 100 ms to a minute. */
export function restartDelayMs(restartCount: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(restartCount, 30), DELAY_MAX_MS);
}
