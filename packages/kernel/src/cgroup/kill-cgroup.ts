import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { type CgroupDirectory, unifiedDirectory } from "./cgroup-plan.ts";
import { errnoOf, writeCgroupFile } from "./execute-operations.ts";
import { freezeCgroup, readFreezerState, thawCgroup } from "./freeze-cgroup.ts";
import { listProcesses } from "./list-processes.ts";

/** Killed processes leave within milliseconds, unless the kernel holds them (a dead NFS server, a core dump). */
const KILL_POLL_MAX = 1000;
const KILL_POLL_FIRST_MS = 1;
const KILL_POLL_LAST_MS = 20;

/** After so many polls, what `cgroup.kill` left over is in a version 1 cgroup only, and is killed by pid. */
const KILL_BY_PID_FROM = 5;

/**
 * Kills every process of the container, those in cgroups below it included, and waits until none is left. One
 * write where the kernel has `cgroup.kill` (Linux 5.14, version 2); elsewhere the cgroup is frozen, so that
 * nothing forks on between listing and killing, and the list is gone through until it is empty.
 *
 * Throws OrlopError("failed") when processes survive the limit of tries, OrlopError("cancelled") when aborted.
 */
export async function killCgroup(directories: readonly CgroupDirectory[], signal?: AbortSignal): Promise<void> {
  for (let poll = 0; poll < KILL_POLL_MAX; poll++) {
    if (signal?.aborted) throw cancelled(signal.reason);
    if (listProcesses(directories).length === 0) return;
    if (!killAtOnce(directories) || poll >= KILL_BY_PID_FROM) await killOneByOne(directories, signal);
    await sleep(Math.min(KILL_POLL_FIRST_MS + poll, KILL_POLL_LAST_MS));
  }
  const left = listProcesses(directories);
  if (left.length === 0) return;
  throw new OrlopError("failed", `Cannot kill processes "${left.join(" ")}": they survived ${KILL_POLL_MAX} SIGKILLs`, {
    operation: "kill",
  });
}

function killAtOnce(directories: readonly CgroupDirectory[]): boolean {
  const unified = unifiedDirectory(directories);
  if (unified === undefined) return false;
  try {
    writeCgroupFile(unified.path, "cgroup.kill", "1");
  } catch (error) {
    // Older kernels have no such file; a threaded cgroup has one that does nothing; and the cgroup may be gone by now.
    if (["ENOENT", "ENODEV", "EOPNOTSUPP", "EPERM", "EACCES"].includes(errnoOf(error))) return false;
    throw error;
  }
  return true;
}

async function killOneByOne(directories: readonly CgroupDirectory[], signal: AbortSignal | undefined): Promise<void> {
  const froze = await tryToFreeze(directories, signal);
  try {
    for (const pid of listProcesses(directories)) killQuietly(pid);
  } finally {
    // Version 1 delivers the signal only to a process that runs.
    if (froze) thawCgroup(directories);
  }
}

/** Killing works without a freezer too, only less surely in one round. */
async function tryToFreeze(directories: readonly CgroupDirectory[], signal: AbortSignal | undefined): Promise<boolean> {
  if (readFreezerState(directories) === "none") return false;
  try {
    await freezeCgroup(directories, signal);
    return true;
  } catch {
    return false;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

function cancelled(cause: unknown): OrlopError {
  return new OrlopError("cancelled", "Cannot kill container: it was called off", { operation: "kill", cause });
}
