import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Call, isOwnCall, NotHere } from "./call.ts";

/** Names that mean another file in every process. */
const OWN_FILES = /^\/(?:dev\/(?:stdin|stdout|stderr|fd(?:\/|$))|proc\/(?:self|thread-self)(?:\/|$))/;

/**
 * A path of the command line as this process opens it.
 *
 * @throws NotHere for a descriptor of the caller, which only the caller's process can open by name, and for a pipe or a device
 */
export function callPath(call: Pick<Call, "cwd" | "pid">, path: string): string {
  const absolute = resolve(call.cwd, path);
  if (!isOwnCall(call) && (OWN_FILES.test(absolute) || mayWait(absolute))) throw new NotHere(absolute);
  return absolute;
}

/** Device 1:3, which never does. */
const NULL_DEVICE = 0x103;

/** What waits for somebody when it is opened or read may keep only its own caller waiting. */
function mayWait(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFIFO() === true || (found?.isCharacterDevice() === true && found.rdev !== NULL_DEVICE);
  } catch {
    // Whoever opens it will say why that cannot be.
    return false;
  }
}
