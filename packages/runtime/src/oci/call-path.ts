import { resolve } from "node:path";
import { type Call, isOwnCall, NotHere } from "./call.ts";

/** Names that mean another file in every process. */
const OWN_FILES = /^\/(?:dev\/(?:stdin|stdout|stderr|fd(?:\/|$))|proc\/(?:self|thread-self)(?:\/|$))/;

/**
 * A path of the command line as this process opens it.
 *
 * @throws NotHere for a descriptor of the caller, which only the caller's process can open by name
 */
export function callPath(call: Call, path: string): string {
  const absolute = resolve(call.cwd, path);
  if (OWN_FILES.test(absolute) && !isOwnCall(call)) throw new NotHere(absolute);
  return absolute;
}
