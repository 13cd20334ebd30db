/** A reader that went away, as in `orlop explain ... | head`, ends the program quietly. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

/** Prints a result. */
export function printText(text: string): void {
  if (!process.stdout.listeners("error").includes(endWithReader)) process.stdout.on("error", endWithReader);
  process.stdout.write(text);
}

/** Prints an error as `orlop: ...` to standard error. */
export function printError(message: string): void {
  process.stderr.write(`orlop: ${message}\n`);
}

/** Prints what the user should know although everything goes on. */
export function printWarning(message: string): void {
  process.stderr.write(`orlop: warning: ${message}\n`);
}
