import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { COMMAND_NAME } from "../call.ts";

/** How `bin/run-node.sh` calls: where the launcher for this way of calling the command belongs, and the call itself. */
export interface CalledAs {
  /** A directory of this user's cache: see `LAUNCHER_FILES`. */
  readonly home: string;
  /** The directory of the command. */
  readonly bin: string;
  /** The words of the call. */
  readonly words: readonly string[];
}

/** Reads the words behind the script. What Node could take for an option of its own has a colon in front there. */
export function calledAs(scriptWords: readonly string[]): CalledAs {
  const [home = "", given = "", ...words] = scriptWords.map((word) => (word.startsWith(":") ? word.slice(1) : word));
  // A launcher knows the directory by the link that leads there.
  const bin = given === join(home, LAUNCHER_FILES.bin) ? readlinkSync(given) : given;
  return { home, bin, words };
}

/** The name that the command was called by, a link's or its own: the last word of its launcher's home. */
export function calledName(home: string): string {
  const [, self] = /\/orlop\/launchers(\/.+)$/.exec(home) ?? [];
  return self === undefined ? COMMAND_NAME : basename(self);
}

/** The launcher's home: a link to the directory of the command, by which the shell sees whose it is, and the launcher. */
export const LAUNCHER_FILES = { bin: "bin", launcher: "launcher" } as const;
