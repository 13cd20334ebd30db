import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Program, type Report, Zygote } from "@orlop/kernel";
import { temporaryDirectory } from "@orlop/testkit";
import type { LogEntry } from "./log-entry.ts";
import { type ReadLogOptions, readLog } from "./read-log.ts";
import { type LogPump, type LogPumpOptions, startLogPump } from "./start-log-pump.ts";

/** A directory with a log in it, and a zygote for its pumps. */
export class PumpBench implements AsyncDisposable {
  readonly directory: string;
  readonly file: string;
  /** Somebody has opened a FIFO. */
  hadWriters = false;
  /** Changes the next programs. */
  mutate: (program: Program) => Program = (program) => program;
  readonly #temporary = temporaryDirectory("orlop-log-");
  readonly #open = new Set<number>();
  readonly #pids = new Set<number>();
  readonly #zygote: Zygote;
  readonly #isShared: boolean;

  /** With a zygote of its own, or one that several share. */
  constructor(zygote?: Zygote) {
    this.directory = this.#temporary.path;
    this.file = join(this.directory, "log");
    this.#zygote = zygote ?? Zygote.start();
    this.#isShared = zygote !== undefined;
  }

  async start(options: Partial<LogPumpOptions> = {}): Promise<LogPump> {
    const { directory, file } = this;
    const zygote = {
      submit: (program: Program, onReport: (report: Report) => void) =>
        this.#zygote.submit(this.mutate(program), onReport),
      close: () => this.#zygote.close(),
      alive: true,
    };
    const pump = await startLogPump(zygote, { directory, stdin: false, terminal: false, file, ...options });
    this.#pids.add(pump.pid);
    pump.ended.then(() => this.#pids.delete(pump.pid));
    return pump;
  }

  /** Ends the caller of the pumps. */
  async closeZygote(): Promise<void> {
    this.#zygote.close();
    await this.#zygote.ended;
  }

  /** Opens a FIFO as a runtime does for a container. */
  writer(name: "stdin" | "stdout" | "stderr" = "stdout"): FifoWriter {
    const fd = openSync(join(this.directory, name), constants.O_RDWR | constants.O_NONBLOCK);
    this.#open.add(fd);
    this.hadWriters = true;
    return new FifoWriter(fd, () => this.#open.delete(fd));
  }

  async entries(options: ReadLogOptions = {}): Promise<readonly LogEntry[]> {
    return Array.fromAsync(readLog(this.file, options));
  }

  /** What a stream has in the log. */
  async text(stream?: LogEntry["stream"]): Promise<string> {
    const entries = (await this.entries({ raw: true })).filter(
      (each) => stream === undefined || each.stream === stream,
    );
    return Buffer.concat(entries.map(({ data }) => data)).toString("latin1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fd of this.#open) closeSync(fd);
    for (const pid of this.#pids) process.kill(pid, "SIGKILL");
    if (!this.#isShared) {
      this.#zygote.close();
      await this.#zygote.ended;
    }
    this.#temporary[Symbol.dispose]();
  }
}

export class FifoWriter {
  readonly fd: number;
  readonly #onClose: () => void;

  constructor(fd: number, onClose: () => void) {
    this.fd = fd;
    this.#onClose = onClose;
  }

  /** Writes all of it, when there is room for it. */
  async write(text: string | Uint8Array): Promise<void> {
    let rest: Uint8Array = Buffer.from(text as string);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(this.fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  close(): void {
    this.#onClose();
    closeSync(this.fd);
  }
}
