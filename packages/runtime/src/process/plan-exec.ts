import type { ExecRequest, LinuxNamespaceType } from "@orlop/core";
import { cgroupsOfProcess, readCgroupFile, readFreezerState, unifiedDirectory } from "@orlop/kernel";
import type { ExecPlan } from "./compile-exec.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import { warnOfLostCapabilities } from "./container-planner.ts";
import type { ContainerRecord } from "./container-record.ts";
import { withHome } from "./home-directory.ts";
import type { Handover, HostView } from "./supervision.ts";
import type { Warn } from "./warn.ts";

/**
 * Where init has gone to if the container's own cgroup may be one that takes no processes any more: one of version 2 that
 * hands controllers on to cgroups below it, as a systemd in a container has it.
 */
function withInit({ cgroups }: ContainerRecord, initPid: number): Pick<ExecPlan, "joinInit"> {
  const unified = unifiedDirectory(cgroups);
  if (unified === undefined || (readCgroupFile(unified.path, "cgroup.subtree_control") ?? "").trim() === "") return {};
  const gone = cgroupsOfProcess(initPid).find(
    ({ version, path }) => version === 2 && path.startsWith(`${unified.path}/`),
  );
  return gone === undefined ? {} : { joinInit: gone.path };
}

/** What an exec takes from its container: namespaces, cgroups, the filter; HOME and CPUs where none are given. */
export function planExec(
  { execId, process, stdio }: ExecRequest,
  container: ContainerDirectory,
  record: ContainerRecord,
  initPid: number,
  host: HostView,
  handover: Handover = {},
  warn?: Warn,
): ExecPlan {
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
    ...handover,
    namespaces: record.namespaces as readonly LinuxNamespaceType[],
    join: record.cgroups.map(({ path, version }) => ({
      directory: path,
      file: version === 1 ? "tasks" : "cgroup.procs",
      reason: "the exec counts as the container",
    })),
    ...withInit(record, initPid),
    frozen: ["frozen", "freezing"].includes(readFreezerState(record.cgroups)),
    // The machine's root may move processes as it likes; from where to where a user may, only their systemd knows.
    unit: record.unit?.ofUser === true ? record.unit : undefined,
    seccomp: container.seccomp(),
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
