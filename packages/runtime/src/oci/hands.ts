import type { Program, Report } from "@orlop/kernel";

/**
 * What carries out programs in the caller's own context: a process that is the caller's child, with its descriptors,
 * limits, cgroup and namespaces. It is a zygote, whether this process started it or a launcher did.
 */
export interface Hands {
  readonly alive: boolean;
  /** Executes a program in a child of the hands; see `Zygote.submit`. */
  submit(program: Program, onReport: (report: Report) => void): void;
  /**
   * Executes a program in the hands themselves, as the last of this call: their exit status is the call's. Throws when it
   * has been called before.
   */
  become(program: Program, onReport: (report: Report) => void): void;
  /** Tells what the hands have become the exit status to end with, 0 to 255. */
  release(status: number): void;
  /**
   * What the hands become executes this, with its own arguments, to finish the call when this process has ended before;
   * undefined where nothing does. An absolute path.
   */
  readonly finishFile?: string | undefined;
  /**
   * Takes what the call has said on standard error as far as its caller has not got it yet; undefined where everything is
   * written at once. What becomes the call has to say it.
   */
  takeUnsaid?(): string;
  /**
   * The number under which programs find the caller's descriptor `fd`, which is 3 or above; undefined where the caller has
   * none of that number open.
   */
  descriptor(fd: number): number | undefined;
  close(): void;
}
