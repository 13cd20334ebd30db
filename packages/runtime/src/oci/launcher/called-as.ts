import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { COMMAND_NAME } from "../call.ts";

/** How a command was called by `bin/run-node.sh`: where the launcher for this way of calling it belongs, and the call. */
export interface CalledAs {
  /** A directory of this user's cache, with {@link LAUNCHER_FILES}; empty where no launcher is to be written. */
  readonly home: string;
  /** The directory of the command. */
  readonly bin: string;
  /** The words of the call. */
  readonly words: readonly string[];
}

/** The launcher's home: a link to the directory of the command, by which the shell sees whose it is, and the launcher. */
export const LAUNCHER_FILES = { bin: "bin", launcher: "launcher" } as const;

/** Reads the words behind the script. What Node could take for an option of its own has a colon in front there. */
export function calledAs(scriptWords: readonly string[]): CalledAs {
  const [home = "", bin = "", ...words] = scriptWords.map((word) => (word.startsWith(":") ? word.slice(1) : word));
  // A launcher knows the directory by the link that leads there.
  return { home, bin: bin === join(home, LAUNCHER_FILES.bin) ? targetOf(bin) : bin, words };
}

/** The name that the command was called by, a link's or its own: the last word of its launcher's home. */
export function calledName(home: string): string {
  const [, self] = /\/orlop\/launchers(\/.+)$/.exec(home) ?? [];
  return self === undefined ? COMMAND_NAME : basename(self);
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}
