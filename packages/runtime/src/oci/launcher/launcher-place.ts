import { join } from "node:path";
import { cacheDirectory, LAUNCHER_VERSION, ownsMachine, sha256Hex } from "@orlop/kernel";
import { runtimeVersion } from "../version-text.ts";

/** Where this installation's launcher and its resident process meet, for this user. */
export interface LauncherPlace {
  /** The file that `bin/orlop-oci` executes. */
  readonly launcher: string;
  /** The directory of the socket, which is the user's alone. */
  readonly directory: string;
  readonly socket: string;
}

const HASH_DIGITS = 16;

/**
 * @param bin the directory of the command, as the path that it is called by has it: another path, another launcher
 * @returns undefined for a user who has no directory in memory for sockets
 */
export function launcherPlace(
  bin: string,
  env: Readonly<Record<string, string | undefined>>,
): LauncherPlace | undefined {
  const runtime = runtimeDirectory(env);
  if (runtime === undefined) return undefined;
  // Two installations side by side, or two versions one after the other, never meet.
  const hash = sha256Hex([bin, runtimeVersion(), LAUNCHER_VERSION].join("\0"));
  const directory = join(runtime, `resident-${hash.slice(0, HASH_DIGITS)}`);
  return {
    launcher: join(cacheDirectory(env), "orlop", "launcher", bin, "orlop-oci"),
    directory,
    socket: join(directory, "socket"),
  };
}

function runtimeDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (ownsMachine()) return "/run/orlop";
  const configured = env.XDG_RUNTIME_DIR;
  return configured?.startsWith("/") ? join(configured, "orlop") : undefined;
}
