import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { decodeReport, REPORT } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { stepFailure } from "../process/program-failure.ts";
import { RESULT_PIPE, START_BYTE, START_PIPE } from "../process/start-pipes.ts";

/**
 * Starts the init of a container that nobody of ours watches over, and resolves when its program has been executed;
 * rejects with the reason why it could not be. `runHooks` is called when those of the start are due.
 *
 * Throws `conflict` where no init waits to be started. When two start one container, both hear that it runs.
 */
export async function awaitOrphanStart(
  directory: ContainerDirectory,
  record: ContainerRecord,
  runHooks: () => Promise<void>,
): Promise<void> {
  // The end of this one is the end of init's waiting: it is opened first, so that nothing is missed.
  const result = openPipe(directory, RESULT_PIPE, constants.O_RDONLY, record.id);
  const socket = new Socket({ fd: result, readable: true, writable: false });
  try {
    using start = new StartPipe(directory, record.id);
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
  readonly #fd: number;

  constructor(directory: ContainerDirectory, id: string) {
    this.#fd = openPipe(directory, START_PIPE, constants.O_WRONLY, id);
  }

  say(word: keyof typeof START_BYTE): void {
    writeSync(this.#fd, Uint8Array.of(START_BYTE[word]));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function openPipe({ path }: ContainerDirectory, name: string, access: number, id: string): number {
  try {
    return openSync(join(path, name), access | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (cause) {
    throw new OrlopError("conflict", `Cannot start container "${id}": nothing in it waits to be started`, { cause });
  }
}
