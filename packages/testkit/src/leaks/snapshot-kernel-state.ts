import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { cgroupDirectories } from "../cgroup-directories.ts";
import { parseMountinfo } from "../mountinfo.ts";
import { walkTree } from "../walk-tree.ts";
import type { KernelState, LeakScope } from "./kernel-state.ts";
import { type ScopedProcess, scopedProcesses } from "./scoped-processes.ts";

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readNames(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The reader's own descriptor of /proc/self/fd is gone by the time its link is read. */
function descriptorsOf(pid: number): readonly (readonly [number: string, target: string])[] {
  return readNames(`/proc/${pid}/fd`).flatMap((number) => {
    const target = readLink(`/proc/${pid}/fd/${number}`);
    return target === undefined ? [] : [[number, target] as const];
  });
}

function describe({ pid, startTime }: ScopedProcess): string {
  return `${pid} started at ${startTime}`;
}

function processes(scoped: readonly ScopedProcess[]): Map<string, string> {
  return new Map(
    scoped.map((each) => {
      const what = `process ${each.pid} "${each.commandLine}" in state ${each.state}, which ${each.reason}`;
      return [describe(each), what];
    }),
  );
}

const namespaceDescriptor = /^(cgroup|ipc|mnt|net|pid|time|user|uts):\[\d+\]$/;

/** Namespaces that a process of the test is in or holds open, this process's descriptors included. */
function namespaces(pids: readonly number[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const pid of pids) {
    for (const name of readNames(`/proc/${pid}/ns`)) {
      const identity = readLink(`/proc/${pid}/ns/${name}`);
      if (identity !== undefined && pid !== process.pid) found.set(identity, `namespace ${identity} of process ${pid}`);
    }
    for (const [number, target] of descriptorsOf(pid)) {
      if (namespaceDescriptor.test(target)) {
        found.set(target, `namespace ${target} held by descriptor ${number} of process ${pid}`);
      }
    }
  }
  return found;
}

/** In every mount namespace that we or a process of the test see: what lies below a directory of the test. */
function mounts(pids: readonly number[], { mark, directories }: LeakScope): Map<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const pid of [process.pid, ...pids]) {
    const namespace = readLink(`/proc/${pid}/ns/mnt`);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    } catch {
      continue;
    }
    for (const { id, mountPoint, root, type } of parseMountinfo(text)) {
      const isBelow = directories.some((path) => mountPoint === path || mountPoint.startsWith(`${path}/`));
      if (!isBelow && !mountPoint.includes(mark) && !root.includes(mark)) continue;
      found.set(`${namespace} ${id}`, `mount of ${type} on "${mountPoint}" in ${namespace}`);
    }
  }
  return found;
}

/** Node opens one at the first `fs.watch` and keeps it for its event loop, not for the watcher. */
const ownByDesign = "anon_inode:inotify";

function descriptors(pids: readonly number[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const pid of pids) {
    for (const [number, target] of descriptorsOf(pid)) {
      if (pid === process.pid && target === ownByDesign) continue;
      found.set(`${pid} ${number} ${target}`, `descriptor ${number} of process ${pid} to ${target}`);
    }
  }
  return found;
}

function files({ directories, keptDirectories = directories }: LeakScope): Map<string, string> {
  const found = new Map<string, string>();
  for (const directory of keptDirectories) {
    try {
      for (const path of walkTree(directory)) found.set(join(directory, path), `file "${join(directory, path)}"`);
    } catch (error) {
      // A directory that the test has removed, or a file below it that went away meanwhile, is no leak.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return found;
}

/**
 * Reads what of the kernel's objects is within the scope. Descriptors are those of this process and of its descendants
 * (a zygote collects them unseen); namespaces are those that processes of the test are in or hold.
 */
export function snapshotKernelState(scope: LeakScope): KernelState {
  const scoped = scopedProcesses(scope);
  const pids = scoped.map(({ pid }) => pid);
  const cgroups = cgroupDirectories(scope.mark);
  return {
    scope,
    process: processes(scoped),
    namespace: namespaces([process.pid, ...pids]),
    mount: mounts(pids, scope),
    cgroup: new Map(cgroups.map((path) => [path, `cgroup "${path}"`])),
    descriptor: descriptors([process.pid, ...pids]),
    file: files(scope),
  };
}
