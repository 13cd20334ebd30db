import { type LogEntry, type LogOptions, type LogRequest, type Logs, OrlopError } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { readLog, startLogPump } from "@orlop/runtime/log";

/** Logs that a pump of ours writes beside each container. */
export class OwnLogs implements Logs, Disposable {
  #zygote: Zygote | undefined;

  async start(request: LogRequest): Promise<{ readonly pid: number }> {
    // Somebody may have killed it since the last time.
    if (this.#zygote?.alive !== true) this.#zygote = Zygote.start({ stdio: "ignore" });
    const { pid } = await startLogPump(this.#zygote, request);
    return { pid };
  }

  async *read(file: string, { sinceNs, untilNs, tailLines, ...options }: LogOptions = {}): AsyncIterable<LogEntry> {
    try {
      yield* readLog(file, {
        ...options,
        ...(sinceNs === undefined ? {} : { since: sinceNs }),
        ...(untilNs === undefined ? {} : { until: untilNs }),
        ...(tailLines === undefined ? {} : { tail: tailLines }),
      });
    } catch (error) {
      // Of a container that has never run there is none.
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#zygote?.close();
  }
}
