import { readFileSync, writeFileSync } from "node:fs";

/** The id of the exec that a file names; undefined where there is none. */
export function readProbeId(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Names a probe that has begun, for whoever comes after its maker was killed. */
export function writeProbeId(path: string, execId: string): void {
  try {
    writeFileSync(path, execId, { mode: 0o600 });
  } catch (error) {
    // The directory is gone with the run, or there never was one: the exec says so itself.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
