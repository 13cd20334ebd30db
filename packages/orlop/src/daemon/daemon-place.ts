import {
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { OrlopError } from "@orlop/core";
import {
  cacheDirectory,
  hostArchitecture,
  LAUNCHER_VERSION,
  launcherFile,
  sha256Hex,
  socketPathProblem,
} from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { ownDataDirectory } from "../store/data-directory.ts";

/** Where a daemon and the commands of its user meet. */
export interface DaemonPlace {
  /** The directory of this installation's commands. */
  readonly bin: string;
  /** The directory of the socket, which is the user's alone. */
  readonly directory: string;
  readonly socket: string;
  /** Where bin/orlop finds the launcher, and a link by which it sees whose that is. */
  readonly home: string;
}

const HASH_DIGITS = 16;

/**
 * The place of this installation's daemon, for this user and the depot that the environment names. Two installations or
 * two versions never meet.
 *
 * @throws OrlopError
 */
export function daemonPlace(): DaemonPlace {
  const { env } = caller();
  const bin = realpathSync(dirname(process.argv[1] ?? ""));
  const { version } = JSON.parse(readFileSync(join(bin, "../package.json"), "utf8")) as { readonly version: string };
  const hash = sha256Hex([bin, version, LAUNCHER_VERSION, ownDataDirectory()].join("\0")).slice(0, HASH_DIGITS);
  const directory = join(stateDirectory(process.geteuid?.() ?? 0, env), `daemon-${hash}`);
  const socket = join(directory, "socket");
  const problem = socketPathProblem(socket);
  if (problem !== undefined) throw new OrlopError("unsupported", `Cannot listen at "${socket}": ${problem}`);
  const root = env.ORLOP_ROOT ?? "";
  const home = join(cacheDirectory(env), "orlop", root === "" ? "daemon" : `daemon-of${root}`);
  return { bin, directory, socket, home };
}

/** Writes what bin/orlop executes from now on; another one's is replaced. */
export function writeLauncher(place: DaemonPlace): void {
  const { bin, home } = place;
  const content = launcherOf(place);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  replace(join(home, "bin"), (path) => symlinkSync(bin, path));
  replace(join(home, "launcher"), (path) => writeFileSync(path, content, { mode: 0o555, flag: "wx" }));
}

/** Takes it away, if it is still there, with the directories that were made for it. */
export function removeLauncher(place: DaemonPlace): void {
  const { home } = place;
  try {
    if (!readFileSync(join(home, "launcher")).equals(launcherOf(place))) return;
    for (const name of ["launcher", "bin"]) rmSync(join(home, name), { force: true });
    for (let directory = home; basename(directory) !== "orlop"; directory = dirname(directory)) rmdirSync(directory);
  } catch {
    // Another one's, or a directory that others use: nothing depends on it.
  }
}

function launcherOf({ bin, socket }: DaemonPlace): Buffer {
  return launcherFile({
    architecture: hostArchitecture(),
    socketPath: socket,
    alone: join(bin, "orlop-alone.sh"),
    broken: join(bin, "orlop-broken.sh"),
    name: "orlop",
    tellsSignals: true,
  });
}

function replace(path: string, make: (path: string) => void): void {
  const temporary = `${path}.${process.pid}`;
  try {
    make(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
