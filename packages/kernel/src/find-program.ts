import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** Where a program of the host's is: an absolute path as it is, a name on PATH. Undefined when nothing there executes. */
export function findProgram(name: string, path: string = process.env.PATH ?? DEFAULT_PATH): string | undefined {
  if (isAbsolute(name)) return isExecutable(name) ? name : undefined;
  // Debian's PATH for ordinary users lacks the place where runtimes are.
  const directories = [...path.split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(isAbsolute);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
