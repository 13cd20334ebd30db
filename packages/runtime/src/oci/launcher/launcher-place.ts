import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { OrlopError } from "@orlop/core";
import {
  cacheDirectory,
  LAUNCHER_VERSION,
  ownsMachine,
  type Patience,
  sha256Hex,
  socketPathProblem,
} from "@orlop/kernel";
import { runtimeVersion } from "../version-text.ts";

/** Where this installation's launchers and its resident process meet, for this user. */
export interface LauncherPlace {
  /** The directory of the socket, which is the user's alone. */
  readonly directory: string;
  readonly socket: string;
}

/** In the directory of the command: what a launcher executes when nobody serves its call, and when a call broke off. */
export const ALONE = "oci-alone.sh";
export const BROKEN = "oci-broken.sh";

/** A file beside the socket: somebody is about to start a resident process. */
export const STARTING = "starting";

/** A resident process that is stopped, or stuck, is ended by a launcher that hears nothing of it for so long. */
export const LAUNCHER_PATIENCE: Patience = { turnMs: 5_000, turns: 4 };

/** How often it says that it is there, to launchers with nothing to do meanwhile. */
export const ALIVE_MS = 2_000;

const HASH_DIGITS = 16;

/** The longest that a process id makes a name: fs/proc, PID_MAX_LIMIT is 2^22. */
const PID_DIGITS = 7;

/**
 * @param bin the directory of the command, as the path that it is called by has it: another path, another place
 * @returns undefined for a user who has no directory in memory for sockets, or one whose name is too long for them
 */
export function launcherPlace(
  bin: string,
  env: Readonly<Record<string, string | undefined>>,
  isMachineRoot: boolean = ownsMachine(),
): LauncherPlace | undefined {
  const runtime = runtimeDirectory(env, isMachineRoot);
  if (runtime === undefined) return undefined;
  // Two installations side by side, or two versions one after the other, never meet.
  const hash = sha256Hex([bin, runtimeVersion(), LAUNCHER_VERSION].join("\0"));
  const directory = join(runtime, `resident-${hash.slice(0, HASH_DIGITS)}`);
  const socket = join(directory, "socket");
  if (socketPathProblem(ownName(socket, 10 ** PID_DIGITS - 1)) !== undefined) return undefined;
  return { directory, socket };
}

/** Whether a launcher may be written there: `bin/orlop-oci` looks for it in a cache of the environment's. */
export function isLauncherHome(home: string, env: Readonly<Record<string, string | undefined>>): boolean {
  return home.startsWith(join(cacheDirectory(env), "orlop", "launchers", "/"));
}

/** What a process calls its socket until it is the one to be found. */
export function ownName(socket: string, pid: number): string {
  return `${socket}.${pid}`;
}

function runtimeDirectory(
  env: Readonly<Record<string, string | undefined>>,
  isMachineRoot: boolean,
): string | undefined {
  if (isMachineRoot) return "/run/orlop";
  const configured = env.XDG_RUNTIME_DIR;
  return configured?.startsWith("/") ? join(configured, "orlop") : undefined;
}

/**
 * Makes the directory of the socket. Who can connect may have programs compiled and containers described, and who can
 * exchange the directory may answer in our place.
 *
 * @throws OrlopError `denied` where it, or the one above it, is not the user's alone
 */
export function makeSocketDirectory({ directory }: LauncherPlace): void {
  const above = dirname(directory);
  mkdirSync(above, { recursive: true, mode: 0o711 });
  expectOwn(above);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  expectOwn(directory);
  chmodSync(directory, 0o700);
}

function expectOwn(path: string): void {
  const stat = lstatSync(path);
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0) return;
  throw new OrlopError("denied", `Cannot use directory "${path}": others may change it`);
}
