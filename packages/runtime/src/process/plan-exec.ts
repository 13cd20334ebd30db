import type { ExecRequest, LinuxNamespaceType } from "@orlop/core";
import {
  type CgroupDirectory,
  type CgroupJoin,
  cgroupsOfProcess,
  type FreezerState,
  readCgroupFile,
  readFreezerState,
  type SeccompProgram,
  unifiedDirectory,
} from "@orlop/kernel";
import { resctrlJoins } from "../resctrl/plan-resctrl.ts";
import type { ExecPlan } from "./compile-exec.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import { warnOfLostCapabilities } from "./container-planner.ts";
import type { ContainerRecord } from "./container-record.ts";
import { checkDetachKeys } from "./detach-keys.ts";
import { withHome } from "./home-directory.ts";
import type { Handover, HostView } from "./supervision.ts";
import type { Warn } from "./warn.ts";

/**
 * Where an exec goes: the container's cgroups. Of version 2 init's, if init has removed the container's own, or where that
 * may be one that takes no processes any more because it hands controllers on to cgroups below it, as a systemd in a
 * container has it.
 */
function cgroupEntry(record: ContainerRecord, initPid: number): Pick<ExecPlan, "join" | "joinInit"> {
  const { cgroups, resctrl } = record;
  const join = (directories: readonly CgroupDirectory[]): readonly CgroupJoin[] => [
    ...directories.map(joinOf),
    ...resctrlJoins(resctrl),
  ];
  const own = { join: join(cgroups) };
  const unified = unifiedDirectory(cgroups);
  if (unified === undefined) return own;
  const handedOn = readCgroupFile(unified.path, "cgroup.subtree_control");
  if (handedOn?.trim() === "") return own;
  const inits = cgroupsOfProcess(initPid).find(({ version }) => version === 2);
  if (inits === undefined) return own;
  if (handedOn === undefined) return { join: join(cgroups.map((each) => (each === unified ? inits : each))) };
  return { ...own, ...(inits.path.startsWith(`${unified.path}/`) ? { joinInit: inits.path } : {}) };
}

function joinOf({ path, version }: CgroupDirectory): CgroupJoin {
  return {
    directory: path,
    file: version === 1 ? "tasks" : "cgroup.procs",
    reason: "the exec counts as the container",
  };
}

/** What is known of a container that an exec is to run in. */
export interface ExecPlace {
  readonly container: ContainerDirectory;
  readonly record: ContainerRecord;
  readonly initPid: number;
  /** Absent: as it is to be read. */
  readonly seccomp?: SeccompProgram | "none";
  /** Absent: as it is to be read. */
  readonly freezer?: FreezerState;
}

/** What an exec takes from its container: namespaces, cgroups, the filter; HOME and CPUs where none are given. */
export function planExec(
  { execId, process, stdio, detachKeys }: ExecRequest,
  { container, record, initPid, seccomp = container.seccomp(), freezer = readFreezerState(record.cgroups) }: ExecPlace,
  host: HostView,
  handover: Handover = {},
  warn?: Warn,
): ExecPlan {
  checkDetachKeys(detachKeys, process);
  warnOfLostCapabilities(process, warn);
  // What the container's config says is for its execs, and for nothing else.
  const affinity = process.execCPUAffinity ?? record.execCPUAffinity;
  return {
    host,
    process: {
      ...withHome(process, [{ root: `/proc/${initPid}/root`, path: "/etc/passwd" }]),
      ...(affinity === undefined ? {} : { execCPUAffinity: affinity }),
    },
    initPid,
    containerDirectory: container.path,
    stateDirectory: container.exec(execId).path,
    stdio,
    terminal: process.terminal === true,
    detached: handover.orphaned === true,
    ...(detachKeys === undefined ? {} : { detachKeys }),
    ...handover,
    namespaces: record.namespaces as readonly LinuxNamespaceType[],
    ...cgroupEntry(record, initPid),
    frozen: ["frozen", "freezing"].includes(freezer),
    // The machine's root may move processes as it likes; from where to where a user may, only their systemd knows.
    unit: record.unit?.ofUser === true ? record.unit : undefined,
    seccomp: seccomp === "none" ? undefined : seccomp,
    personality: record.personality,
    memoryPolicy: record.memoryPolicy,
    state: {
      ociVersion: record.ociVersion,
      id: record.id,
      status: "running",
      pid: initPid,
      bundle: record.bundle,
      annotations: record.annotations,
    },
  };
}
