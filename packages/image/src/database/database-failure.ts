import { type ErrorCode, OrlopError } from "@orlop/core";

const REPAIR = '\nTry "orlop system check --repair".';

/** Primary result codes (sqlite.org/rescode.html) of what is the world's doing and not a wrong statement of ours. */
const CODES: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  3: ["denied", "the file may not be used"],
  5: ["failed", "another process has kept it locked for too long"],
  8: ["denied", "it can only be read"],
  10: ["failed", "the disk failed"],
  11: ["failed", `the file is damaged${REPAIR}`],
  13: ["exhausted", "no space left on device"],
  14: ["failed", "the file cannot be opened"],
  26: ["failed", `the file is no database${REPAIR}`],
};

/** Whether SQLite says that another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** Extended codes carry the primary one in their lowest byte. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** The error for a failed call of `node:sqlite`; what SQLite has not to do with is returned as it is. */
export function databaseFailure(path: string, error: unknown): unknown {
  const known = CODES[resultCode(error) ?? -1];
  if (known === undefined) return error;
  const [code, problem] = known;
  return new OrlopError(code, `Cannot use database "${path}": ${problem}`, { operation: "use database", cause: error });
}

/** Of a database that is not there any more, or empty: another one in its place would have all that belongs to it removed. */
export function databaseGone(path: string): OrlopError {
  return new OrlopError("failed", `Cannot use database "${path}": it is gone, or empty${REPAIR}`);
}
