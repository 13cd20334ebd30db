import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Call, isOwnCall, NotHere } from "./call.ts";

/** Names that mean another file in every process. */
const OWN_FILES = /^\/(?:dev\/(?:stdin|stdout|stderr|fd(?:\/|$))|proc\/(?:self|thread-self)(?:\/|$))/;

/**
 * A path of the command line as this process opens it.
 *
 * @throws NotHere for a descriptor of the caller, which only the caller's process can open by name, and for a pipe
 */
export function callPath(call: Pick<Call, "cwd" | "pid">, path: string): string {
  const absolute = resolve(call.cwd, path);
  if (!isOwnCall(call) && (OWN_FILES.test(absolute) || isPipe(absolute))) throw new NotHere(absolute);
  return absolute;
}

/** What waits for another process when it is opened may keep only its own caller waiting. */
function isPipe(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  } catch {
    // Whoever opens it will say why that cannot be.
    return false;
  }
}
