import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { decodeReport, REPORT } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { stepFailure } from "../process/program-failure.ts";
import { RESULT_PIPE, START_BYTE } from "../process/start-pipes.ts";
import { claimStart } from "./claim-start.ts";

/**
 * Starts the init of a container that nobody of ours watches over, and resolves when its program has been executed;
 * rejects with the reason why it could not be. `runHooks` is called when those of the start are due; they may have begun
 * before, with somebody who was killed then.
 *
 * Throws `conflict` where no init waits to be started, or another call is starting it.
 */
export async function awaitOrphanStart(
  directory: ContainerDirectory,
  record: ContainerRecord,
  runHooks: () => Promise<void>,
): Promise<void> {
  // The end of this one is the end of init's waiting: it is opened first, so that nothing is missed.
  const result = openPipe(join(directory.path, RESULT_PIPE), constants.O_RDONLY, record.id);
  const socket = new Socket({ fd: result, readable: true, writable: false });
  try {
    using start = new StartPipe(claimStart(directory.path, record.id), record.id);
    start.say("go");
    const heard: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      heard.push(chunk);
      // A word is one byte; what failed takes a whole report.
      if (heard.length === 1 && chunk.length === 1) {
        heard.pop();
        await runHooks();
        start.say("goOn");
      }
    }
    failIfReported(Buffer.concat(heard), record);
  } finally {
    socket.destroy();
  }
}

function failIfReported(said: Buffer, { startSteps }: ContainerRecord): void {
  const report = decodeReport(said.subarray(0, REPORT.size));
  if (report === undefined) return;
  const step = startSteps.findLast(({ from }) => from <= report.index);
  throw stepFailure(step ?? { action: `execute instruction ${report.index}` }, report.value);
}

/** What init waits at. */
class StartPipe implements Disposable {
  readonly #id: string;
  readonly #fd: number;

  constructor(path: string, id: string) {
    this.#id = id;
    this.#fd = openPipe(path, constants.O_WRONLY, id);
  }

  say(word: keyof typeof START_BYTE): void {
    try {
      writeSync(this.#fd, Uint8Array.of(START_BYTE[word]));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EPIPE") throw cause;
      const reason = "it was ended before its program ran";
      throw new OrlopError("conflict", `Cannot start container "${this.#id}": ${reason}`, { cause });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function openPipe(path: string, access: number, id: string): number {
  let fd: number;
  try {
    fd = openSync(path, access | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (cause) {
    throw new OrlopError("conflict", `Cannot start container "${id}": nothing in it waits to be started`, { cause });
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new OrlopError("failed", `Cannot start container "${id}": its "${path}" is damaged`);
}
