import { type Caller, caller } from "./caller/caller.ts";
import { printable } from "./format/printable.ts";

/** Those whose standard output is watched. */
const watched = new WeakSet<Caller>();

/** A reader that went away, as in `orlop explain ... | head`, ends the program quietly. */
function endWithReader(who: Caller): void {
  if (watched.has(who)) return;
  watched.add(who);
  who.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    who.exit(0);
  });
}

/** Prints a result. */
export function printText(text: string): void {
  const who = caller();
  endWithReader(who);
  who.stdout.write(text);
}

/** Prints an error as `orlop: ...` to standard error. */
export function printError(message: string): void {
  caller().stderr.write(`orlop: ${printable(message)}\n`);
}

/** Prints what the user should know although everything goes on. */
export function printWarning(message: string): void {
  caller().stderr.write(`orlop: warning: ${printable(message)}\n`);
}
