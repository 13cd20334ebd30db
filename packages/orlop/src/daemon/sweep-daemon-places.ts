import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isListening } from "@orlop/runtime/launcher";

/** Removes what daemons of other places, all of this user, have left when they were killed. @param own directory of one's own */
export async function sweepDaemonPlaces(own: string): Promise<void> {
  const names = readdirSync(dirname(own)).filter((name) => name.startsWith("daemon-") && name !== basename(own));
  for (const name of names) await sweep(join(dirname(own), name));
}

async function sweep(directory: string): Promise<void> {
  try {
    // One that is about to listen has another name for its socket first, and keeps the directory by that.
    for (const name of readdirSync(directory)) {
      if (!(await isListening(join(directory, name)))) rmSync(join(directory, name), { force: true });
    }
    rmdirSync(directory);
  } catch {
    // Somebody else was quicker, or has begun to use it.
  }
}
