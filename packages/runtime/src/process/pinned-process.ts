import { closeSync, constants, openSync, readFileSync } from "node:fs";

/** Times in /proc/PID/stat are in these (USER_HZ, the same on every architecture that we know). */
const TICK_MS = 10;

/**
 * A process held by its directory in procfs: as long as that is open it is this process's, and answers with an error once
 * the process is gone, whoever has the pid by then.
 */
export class PinnedProcess implements Disposable {
  /** Of the directory; also what pidfd_send_signal(2) takes. */
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * The process of that pid, provided that it has been there since `aliveAtMs`, milliseconds since boot. Then it is the one
   * that had the pid at that time, for a pid is given to somebody else only after its owner's end.
   */
  static open(pid: number, aliveAtMs: number): PinnedProcess | undefined {
    let fd: number;
    try {
      fd = openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      return undefined;
    }
    const pinned = new PinnedProcess(fd);
    const startedMs = pinned.#stat()?.startedMs;
    if (startedMs !== undefined && startedMs <= aliveAtMs) return pinned;
    pinned[Symbol.dispose]();
    return undefined;
  }

  /** A zombie is not. */
  alive(): boolean {
    const state = this.#stat()?.state;
    return state !== undefined && state !== "Z" && state !== "X";
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  /** proc(5), /proc/PID/stat: fields 3 and 22; the second one is a name in parentheses, which may hold some. */
  #stat(): { readonly state: string; readonly startedMs: number } | undefined {
    try {
      const text = readFileSync(`/proc/self/fd/${this.fd}/stat`, "utf8");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return { state: fields[0] ?? "", startedMs: Number(fields[19]) * TICK_MS };
    } catch {
      return undefined;
    }
  }
}
