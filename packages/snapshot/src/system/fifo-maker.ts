import { octal } from "@orlop/kernel";
import type { OpenPlace } from "../directory/root-directory.ts";
import { SystemCalls } from "./system-calls.ts";

const FIFO = 0o010000;

/** Makes FIFOs, for which Node has no call. */
export class FifoMaker implements Disposable {
  readonly #system = new SystemCalls();

  [Symbol.dispose](): void {
    this.#system[Symbol.dispose]();
  }

  /**
   * In one call, with its mode: a directory that others write to may have something else of that name by the next one.
   *
   * @param name without slashes
   * @throws OrlopError
   */
  async make(directory: OpenPlace, name: string, mode: number): Promise<void> {
    await this.#system.run(`make FIFO "${name}"`, (p) => {
      // By another process, which does not have this one's descriptors.
      p.call("chdir", [p.text(`/proc/${process.pid}/fd/${directory.fd}`)]);
      p.call("umask", [0]);
      p.call("mknodat", [p.flags("AT_FDCWD"), p.text(name), octal(p, FIFO | (mode & 0o777)), 0]);
    });
  }
}
