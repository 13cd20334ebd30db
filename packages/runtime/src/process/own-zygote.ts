import type { Zygote } from "@orlop/kernel";

/** As much of a zygote as a runtime needs. */
export type ZygoteLike = Pick<Zygote, "submit" | "close" | "alive"> & Partial<Pick<Zygote, "pid">>;

/** The zygote of a runtime: started when it is needed first, and again after its end. */
export class OwnZygote {
  readonly #start: () => ZygoteLike;
  readonly #enter: ((pid: number) => Promise<string | undefined>) | undefined;
  #started: ZygoteLike | undefined;
  #entered: Promise<string | undefined> | undefined;

  /** @param enter takes its process to where it is to be; resolves to the text of its /proc/self/cgroup if it has moved */
  constructor(start: () => ZygoteLike, enter?: (pid: number) => Promise<string | undefined>) {
    this.#start = start;
    this.#enter = enter;
  }

  get current(): ZygoteLike {
    if (this.#started?.alive !== true) {
      this.#started = this.#start();
      this.#entered = undefined;
    }
    return this.#started;
  }

  /** When it is where it is to be: the text of its /proc/self/cgroup, or undefined where that is this process's. */
  async entered(): Promise<string | undefined> {
    const { pid } = this.current;
    if (pid !== undefined) this.#entered ??= this.#enter?.(pid);
    return await this.#entered;
  }

  close(): void {
    this.#started?.close();
    this.#started = undefined;
  }
}
