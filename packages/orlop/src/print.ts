import type { Writable } from "node:stream";
import { systemFailure } from "@orlop/kernel";
import { type Caller, caller } from "./caller/caller.ts";
import { printable } from "./format/printable.ts";

/** Those whose standard output is watched. */
const watched = new WeakSet<Caller>();
const ignored = new WeakSet<Writable>();

/**
 * A reader that went away, as in `orlop explain ... | head`, ends the program quietly; a file that cannot be written to, as
 * on a full disk, with what is the case.
 */
function endWithOutput(who: Caller): void {
  if (watched.has(who)) return;
  watched.add(who);
  who.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return who.exit(0);
    printError(systemFailure("write to standard output", error).message);
    who.exit(1);
  });
}

/** Prints a result. */
export function printText(text: string): void {
  const who = caller();
  endWithOutput(who);
  who.stdout.write(text);
}

/**
 * Writes what a container has put out; a reader that is slow is waited for.
 *
 * @throws OrlopError where it cannot be written; a reader that has gone ends the program quietly
 */
export async function writeOutput(stream: "stdout" | "stderr", bytes: Buffer): Promise<void> {
  const who = caller();
  const output = who[stream];
  ignoreErrorEvents(output);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  output.write(bytes, (error) => (error ? reject(error) : resolve()));
  try {
    await promise;
  } catch (error) {
    // Nobody wants to see more, as in `orlop logs web | head`.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") who.exit(0);
    throw systemFailure(`write to standard ${stream === "stdout" ? "output" : "error"}`, error);
  }
}

/** Of a stream whose every write is waited for: Node ends the process for an event that nobody hears. */
export function ignoreErrorEvents(stream: Writable): void {
  if (ignored.has(stream)) return;
  ignored.add(stream);
  stream.on("error", () => {});
}

/** Prints an error as `orlop: ...` to standard error. */
export function printError(message: string): void {
  say(`orlop: ${printable(message)}\n`);
}

/** Prints what the user should know although everything goes on. */
export function printWarning(message: string): void {
  say(`orlop: warning: ${printable(message)}\n`);
}

/** Where nobody can hear it, the command goes on and its exit code tells. */
function say(text: string): void {
  const { stderr } = caller();
  ignoreErrorEvents(stderr);
  stderr.write(text);
}
