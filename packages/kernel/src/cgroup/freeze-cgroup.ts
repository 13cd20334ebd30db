import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { type CgroupDirectory, directoryFor, unifiedDirectory } from "./cgroup-plan.ts";
import { errnoOf, writeCgroupFile } from "./execute-operations.ts";
import { listProcesses } from "./list-processes.ts";
import { readCgroupFile, readFlatKeyed } from "./read-cgroup-file.ts";

/**
 * - `frozen`: every process of the cgroup stands still
 * - `freezing`: asked to, and not all do yet
 * - `thawed`: runs
 * - `none`: the container has no freezer
 */
export type FreezerState = "frozen" | "freezing" | "thawed" | "none";

/** Version 2 freezes for certain, unless a process sits in the kernel without sleeping interruptibly. */
const FREEZE_POLL_MAX = 1000;
const FREEZE_POLL_MS = 10;

/**
 * Version 1 gives up freezing when processes keep appearing, and says FREEZING for ever; thawing and starting
 * again now and then is what helps.
 */
const FREEZE_V1_ATTEMPT_MAX = 1000;
const FREEZE_V1_THAW_EVERY = 50;

/** Where the freezer is. Version 2's is used wherever there is one: it is reliable and its frozen processes can be killed. */
function freezerOf(directories: readonly CgroupDirectory[]): CgroupDirectory | undefined {
  const unified = unifiedDirectory(directories);
  if (unified !== undefined && readCgroupFile(unified.path, "cgroup.freeze") !== undefined) return unified;
  const v1 = directoryFor(directories, "freezer");
  return v1?.version === 1 ? v1 : undefined;
}

/** The directory whose freezer stops the container's processes, for who stops them by another way than ours. */
export function freezerDirectory(directories: readonly CgroupDirectory[]): string | undefined {
  return freezerOf(directories)?.path;
}

export function readFreezerState(directories: readonly CgroupDirectory[]): FreezerState {
  const unified = unifiedDirectory(directories);
  // Read once: every exec asks.
  const asked = unified && readCgroupFile(unified.path, "cgroup.freeze");
  if (unified === undefined || asked === undefined) {
    const v1 = directoryFor(directories, "freezer");
    return v1?.version === 1 ? readStateV1(v1.path) : "none";
  }
  if (asked.trim() !== "1") return "thawed";
  return readFlatKeyed(unified.path, "cgroup.events").frozen === 1n ? "frozen" : "freezing";
}

/** A cgroup whose ancestor is frozen shows FROZEN too; `self_freezing` tells. */
function readStateV1(path: string): FreezerState {
  const state = readCgroupFile(path, "freezer.state")?.trim();
  if (state === "FREEZING") return "freezing";
  if (state !== "FROZEN") return state === undefined ? "none" : "thawed";
  return readCgroupFile(path, "freezer.self_freezing")?.trim() === "0" ? "thawed" : "frozen";
}

/**
 * Stops every process of the container and waits until all stand still. When that fails, or the signal aborts
 * it, the cgroup is thawed again: a half frozen container is worse than a running one.
 *
 * Throws OrlopError("unsupported") without a freezer, OrlopError("failed") when the limit of tries is used up,
 * OrlopError("cancelled") when aborted.
 */
export async function freezeCgroup(directories: readonly CgroupDirectory[], signal?: AbortSignal): Promise<void> {
  const freezer = freezerOf(directories);
  if (freezer === undefined) {
    throw new OrlopError("unsupported", "Cannot freeze container: it is in no cgroup with a freezer", {
      operation: "freeze",
    });
  }
  try {
    if (freezer.version === 2) await freezeV2(freezer.path, signal);
    else await freezeV1(freezer.path, signal);
  } catch (error) {
    thawQuietly(freezer);
    throw signal?.aborted ? cancelled(freezer.path, error) : error;
  }
}

/**
 * Takes a process that has been killed, and that somebody has put into another cgroup of version 1's freezer, back into the
 * container's. In a frozen one it would not die before somebody thaws that; on its way it thaws.
 */
export function takeBackFrozen(directories: readonly CgroupDirectory[], pid: number): void {
  const freezer = directoryFor(directories, "freezer");
  if (freezer?.version !== 1 || listProcesses([freezer]).includes(pid)) return;
  try {
    writeCgroupFile(freezer.path, "cgroup.procs", String(pid));
  } catch (error) {
    // It has died, or its cgroup has gone with it.
    if (!["ESRCH", "ENOENT", "ENODEV"].includes(errnoOf(error))) throw error;
  }
}

async function freezeV2(path: string, signal: AbortSignal | undefined): Promise<void> {
  writeState(path, "cgroup.freeze", "1");
  for (let poll = 0; poll < FREEZE_POLL_MAX; poll++) {
    signal?.throwIfAborted();
    const { frozen } = readFlatKeyed(path, "cgroup.events");
    if (frozen === 1n) return;
    if (frozen === undefined) throw gaveUp(path, "it has been removed");
    // Freezing takes microseconds as a rule; the long wait is for a process in the middle of something.
    await sleep(poll === 0 ? 0 : FREEZE_POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  throw gaveUp(path, `processes still ran after ${(FREEZE_POLL_MAX * FREEZE_POLL_MS) / 1000} s`);
}

async function freezeV1(path: string, signal: AbortSignal | undefined): Promise<void> {
  for (let attempt = 1; attempt <= FREEZE_V1_ATTEMPT_MAX; attempt++) {
    signal?.throwIfAborted();
    writeState(path, "freezer.state", "FROZEN");
    if (readCgroupFile(path, "freezer.state")?.trim() === "FROZEN") return;
    if (attempt % FREEZE_V1_THAW_EVERY !== 0) continue;
    writeState(path, "freezer.state", "THAWED");
    await sleep(FREEZE_POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  throw gaveUp(path, `it was still FREEZING after ${FREEZE_V1_ATTEMPT_MAX} attempts`);
}

/** Lets the container run on. Throws OrlopError("unsupported") without a freezer. */
export function thawCgroup(directories: readonly CgroupDirectory[]): void {
  const freezer = freezerOf(directories);
  if (freezer === undefined) {
    throw new OrlopError("unsupported", "Cannot thaw container: it is in no cgroup with a freezer", {
      operation: "thaw",
    });
  }
  thaw(freezer);
}

function thaw(freezer: { readonly version: 1 | 2; readonly path: string }): void {
  if (freezer.version === 2) writeState(freezer.path, "cgroup.freeze", "0");
  else writeState(freezer.path, "freezer.state", "THAWED");
}

function thawQuietly(freezer: { readonly version: 1 | 2; readonly path: string }): void {
  try {
    thaw(freezer);
  } catch {
    // The failure to freeze is the one to report.
  }
}

function writeState(path: string, file: string, value: string): void {
  try {
    writeCgroupFile(path, file, value);
  } catch (error) {
    const errno = errnoOf(error);
    throw new OrlopError(
      errno === "ENOENT" ? "not-found" : "failed",
      `Cannot write "${value}" to cgroup file "${path}/${file}": ${errno}`,
      {
        operation: "freeze",
        errno,
        cause: error,
      },
    );
  }
}

function gaveUp(path: string, what: string): OrlopError {
  return new OrlopError("failed", `Cannot freeze cgroup "${path}": ${what}`, { operation: "freeze" });
}

function cancelled(path: string, cause: unknown): OrlopError {
  return new OrlopError("cancelled", `Cannot freeze cgroup "${path}": it was called off`, {
    operation: "freeze",
    cause,
  });
}
