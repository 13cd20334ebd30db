import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/**
 * The absolute path of an installed program, or undefined. Directories of the checkout are left out: `npm run` puts its
 * own programs first, and a peer is what the machine has.
 */
export function findProgram(name: string, path: string = process.env.PATH ?? ""): string | undefined {
  return path
    .split(":")
    .filter((directory) => directory.startsWith("/") && !directory.includes("/node_modules/"))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
