import { readFile } from "node:fs/promises";
import { OrlopError } from "@orlop/core";

/** Errors of a file that is not there, or that lies where this user may not look, and so is not the user's. */
const ABSENT: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

/** Nothing where there is no such file for this user. @throws OrlopError */
export async function readAuthFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (ABSENT.has(code)) return undefined;
    throw new OrlopError("failed", `Cannot read credentials "${path}": ${message}`, {
      operation: "read credentials",
      cause: error,
    });
  }
}
