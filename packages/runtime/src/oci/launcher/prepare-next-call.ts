import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { hostArchitecture, launcherFile, Zygote } from "@orlop/kernel";
import { isListening } from "./is-listening.ts";
import { ALONE_ARGUMENT, BROKEN_ARGUMENT } from "./launcher-arguments.ts";
import { type LauncherPlace, launcherPlace, makeSocketDirectory, STARTING } from "./launcher-place.ts";
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
 *
 * @param bin the directory of the command, in the words in which it was called
 * @param words the words of the call
 */
export async function prepareNextCall(bin: string, words: readonly string[]): Promise<void> {
  if (process.env[SWITCH] === "0" || words.some((word) => WAITED_FOR.includes(word))) return;
  const place = launcherPlace(bin, process.env);
  if (place === undefined) return;
  try {
    makeSocketDirectory(place);
    writeLauncher(place);
    if (!(await isListening(place.socket)) && takeStart(place)) await startResident(bin);
  } catch {
    // A directory that cannot be written, or is not ours alone: the next call is one of Node again.
  }
}

function writeLauncher({ launcher, socket: socketPath }: LauncherPlace): void {
  const content = launcherFile({
    architecture: hostArchitecture(),
    socketPath,
    alone: ALONE_ARGUMENT,
    broken: BROKEN_ARGUMENT,
  });
  if (!hasContent(launcher, content)) replaceFile(launcher, content);
  // On a file system without programs nobody would ever ask a resident process.
  accessSync(launcher, constants.X_OK);
}

function replaceFile(path: string, content: Buffer): void {
  const temporary = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(temporary, content, { mode: 0o555, flag: "wx" });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
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
