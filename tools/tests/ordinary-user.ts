import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../steps/run-command.ts";
import type { TestRunAs } from "./run-tests.ts";

interface OrdinaryUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on every Linux distribution; what the kernel calls the overflow id. */
const nobody: OrdinaryUser = { uid: 65534, gid: 65534 };
/** The range in which Debian's adduser and systemd put people. */
const personUidMin = 1000;
const personUidMax = 59_999;

function lines(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
}

/**
 * The user that rootless tests run as when the caller is root: the one who called sudo, else a person of this
 * machine (one with subordinate ids first, because only such a user can map a range), else nobody.
 */
export function findOrdinaryUser(env: NodeJS.ProcessEnv, passwdPath: string, subuidPath: string): OrdinaryUser {
  const { SUDO_UID, SUDO_GID } = env;
  if (SUDO_UID !== undefined && SUDO_GID !== undefined && SUDO_UID !== "0") {
    return { uid: Number(SUDO_UID), gid: Number(SUDO_GID) };
  }
  const withSubordinateIds = new Set(lines(subuidPath).map((line) => line.split(":")[0]));
  const people = lines(passwdPath)
    .map((line) => line.split(":"))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid >= personUidMin && uid <= personUidMax);
  const { uid, gid } = people.find(({ name }) => withSubordinateIds.has(name)) ?? people[0] ?? nobody;
  return { uid, gid };
}

/**
 * Runs `work` with what it needs to start programs as the user: a `setpriv` prefix, and an environment whose home,
 * temporary and runtime directories are the user's own and are removed afterwards.
 */
export async function asOrdinaryUser<T>(user: OrdinaryUser, work: (runAs: TestRunAs) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "orlop-rootless-"));
  try {
    const runtime = join(home, "run");
    const temporary = join(home, "tmp");
    for (const directory of [runtime, temporary]) mkdirSync(directory, { mode: 0o700 });
    for (const directory of [home, runtime, temporary]) chownSync(directory, user.uid, user.gid);
    const { PATH, CI, ORLOP_TEST_TIME_FACTOR } = process.env;
    const env = { PATH, HOME: home, TMPDIR: temporary, XDG_RUNTIME_DIR: runtime, CI, ORLOP_TEST_TIME_FACTOR };
    const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`];
    return await work({ prefix: ["setpriv", ...ids, "--clear-groups", "--inh-caps=-all", "--"], env });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Why the user cannot run this checkout's tests, or undefined when they can. */
export async function ordinaryUserObstacle(user: OrdinaryUser, file: string): Promise<string | undefined> {
  const script = 'test -x "$1" && test -r "$2"';
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const { exitCode, output } = await runCommand("setpriv", [...ids, "sh", "-c", script, "sh", process.execPath, file]);
  if (exitCode === 0) return undefined;
  if (exitCode === 127) return "setpriv is missing: apt-get install util-linux";
  const detail = output.trim() === "" ? "" : ` (${output.trim()})`;
  return `an ordinary user (uid ${user.uid}) cannot read this checkout: put it where everyone may read${detail}`;
}
