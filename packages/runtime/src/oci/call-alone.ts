import { readFileSync, writeSync } from "node:fs";
import { type Call, COMMAND_NAME } from "./call.ts";
import type { Hands } from "./hands.ts";
import { LocalHands } from "./local-hands.ts";
import { orlopOci } from "./orlop-oci.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** Carries out a call of the command in this process and its zygote, and makes this process end as the call does. */
export async function callAlone(args: readonly string[], name?: string): Promise<void> {
  const hands = new LocalHands();
  process.exitCode = await orlopOci(callHere(args, hands, name));
  const end = await hands.end();
  hands.close();
  // What the hands became is what was called: this process ends as they did.
  if (end !== undefined) process.exitCode = end.status ?? 1;
  if (typeof end?.signal === "string") process.kill(process.pid, end.signal);
}

/** This process's own call. */
export function callHere(args: readonly string[], hands: Hands, name: string = COMMAND_NAME): Call {
  return {
    name,
    args,
    env: process.env as Readonly<Record<string, string>>,
    cwd: workingDirectory(),
    umask: process.umask(),
    pid: process.pid,
    hands,
    print: (text) => void write(STDOUT, text),
    show: async (text) => write(STDOUT, text),
    complain: (text) => void write(STDERR, text),
    readInput: async () => readFileSync(STDIN),
  };
}

/** One that has been removed is none that a relative path could start from. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/proc/self/cwd";
  }
}

/**
 * In order and to the end, without the streams of Node, which take longer to load than all the rest. Returns whether
 * somebody reads.
 */
function write(descriptor: number, text: string): boolean {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A reader that went away, as in `orlop-oci list | head`.
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WRITE_AGAIN_MS);
    }
  }
  return true;
}

/** How long a full pipe that somebody made non-blocking is left alone. */
const WRITE_AGAIN_MS = 5;
