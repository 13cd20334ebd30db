import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { hostArchitecture, launcherFile, Zygote } from "@orlop/kernel";
import { type CalledAs, LAUNCHER_FILES } from "./called-as.ts";
import { isListening } from "./is-listening.ts";
import {
  ALONE,
  BROKEN,
  isLauncherHome,
  LAUNCHER_PATIENCE,
  type LauncherPlace,
  launcherPlace,
  makeSocketDirectory,
  STARTING,
} from "./launcher-place.ts";
import { compileStartResident } from "./start-resident-program.ts";

/** Set to `0`, no process stays: every call is one of Node. */
const SWITCH = "ORLOP_OCI_RESIDENT";

/** So long nobody else starts one; longer than a start takes, for one that failed must not be waited for. */
const START_MS = 10_000;

/**
 * Verbs of callers such as conmon, which inherit what their descendants leave and, before they end, wait for all of it: a
 * process that stays would keep them. Every such caller, or the one behind it, soon calls another verb.
 */
const WAITED_FOR: readonly string[] = ["create", "exec"];

/**
 * Writes this installation's launcher where it is missing or another one, and starts the resident process where there is
 * none. Whatever fails here is no failure of the call, which has been done.
 */
export async function prepareNextCall({ home, bin, words }: CalledAs): Promise<void> {
  if (process.env[SWITCH] === "0" || words.some((word) => WAITED_FOR.includes(word))) return;
  const place = launcherPlace(bin, process.env);
  if (place === undefined || !isLauncherHome(home, process.env)) return;
  try {
    makeSocketDirectory(place);
    writeLauncher(home, bin, place);
    if (!(await isListening(place.socket)) && takeStart(place)) await startResident(bin);
  } catch {
    // A directory that cannot be written, or is not ours alone: the next call is one of Node again.
  }
}

function writeLauncher(home: string, bin: string, { socket: socketPath }: LauncherPlace): void {
  const link = join(home, LAUNCHER_FILES.bin);
  const launcher = join(home, LAUNCHER_FILES.launcher);
  // Who is asked for a whole call has to know where its launcher belongs; what was begun is finished by the same code.
  const files = { alone: join(link, ALONE), broken: join(bin, BROKEN) };
  const patience = LAUNCHER_PATIENCE;
  const content = launcherFile({ architecture: hostArchitecture(), socketPath, ...files, patience });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (!leadsTo(link, bin)) replace(link, (path) => symlinkSync(bin, path));
  if (!hasContent(launcher, content)) {
    replace(launcher, (path) => writeFileSync(path, content, { mode: 0o555, flag: "wx" }));
  }
  // On a file system without programs nobody would ever ask a resident process.
  accessSync(launcher, constants.X_OK);
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

function leadsTo(link: string, target: string): boolean {
  try {
    return readlinkSync(link) === target;
  } catch {
    return false;
  }
}

function hasContent(path: string, content: Buffer): boolean {
  try {
    return readFileSync(path).equals(content);
  } catch {
    return false;
  }
}

/** Of many calls that find nobody at once, one is to start somebody. */
function takeStart({ directory }: LauncherPlace): boolean {
  const path = join(directory, STARTING);
  if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > START_MS) rmSync(path, { force: true });
  try {
    closeSync(openSync(path, "wx", 0o600));
    return true;
  } catch {
    return false;
  }
}

/** In a session of its own, with nothing of the caller's open: a pipe that it held would keep the caller's reader waiting. */
async function startResident(bin: string): Promise<void> {
  const zygote = Zygote.start();
  const [condition] = process.execArgv.filter((word) => word.startsWith("--conditions="));
  const words = [process.execPath, ...(condition === undefined ? [] : [condition]), join(bin, "oci-resident.mjs"), bin];
  const kept = ["HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "PATH"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  const started = Promise.withResolvers<void>();
  zygote.submit(compileStartResident(hostArchitecture(), words, kept), ({ kind }) => {
    if (kind === "ended" || kind === "unstarted") started.resolve();
  });
  await started.promise;
  zygote.close();
}
