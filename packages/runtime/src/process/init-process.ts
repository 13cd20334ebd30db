import { OrlopError, sysctlNamespace, sysctlPath } from "@orlop/core";
import { emitDirectoryInRoot } from "@orlop/kernel";
import { emitOomScore } from "./attributes.ts";
import {
  type BecomeOptions,
  emitBecomeProgram,
  emitDieWithParent,
  emitPrivilegedAttributes,
} from "./become-program.ts";
import { emitEnterCgroups, emitTakeCgroupDoors } from "./cgroups.ts";
import { type Compilation, hasHooks, isNew, PIVOT_HOOKS, startsAsOrphan } from "./compilation.ts";
import { emitForgetCpuAffinity } from "./cpu-affinity.ts";
import { emitDevices } from "./devices.ts";
import { emitLoopback } from "./loopback.ts";
import { emitMaskPaths, emitTakeMasks } from "./mask-paths.ts";
import { emitMemoryPolicy } from "./memory-policy.ts";
import { mountsAroundCgroups } from "./mount-order.ts";
import { plannedMounts } from "./mount-sources.ts";
import { emitFinishReadOnlyMounts, emitMounts, emitReadonlyPaths } from "./mounts.ts";
import { emitCgroupNamespace, emitTimeNamespace, hasOneBetween } from "./namespaces.ts";
import { emitAwaitNetDevices } from "./net-devices.ts";
import { emitOvermountRoot } from "./overmount-root.ts";
import { emitOwnSession } from "./own-session.ts";
import { emitPersonality } from "./personality.ts";
import { emitProcHandle, emitWriteProc } from "./proc-handle.ts";
import {
  emitExpectTop,
  emitPivot,
  emitReadOnlyRoot,
  emitRootFileSystem,
  emitRootPropagation,
} from "./root-filesystem.ts";
import { emitAwaitStart, emitAwaitStartHooks, emitEndWait } from "./start-pipes.ts";
import { emitGiveStdio, emitInstallStdio } from "./stdio.ts";
import { emitAwaitReaper, emitLeaveReaperEnds, emitSay } from "./supervision.ts";
import { emitAwaitOwnUnit } from "./systemd-unit.ts";
import { emitInstallTerminal, emitMakeTerminal } from "./terminal.ts";
import { emitAwaitIdMaps, emitBecomeRoot, emitWriteOwnIdMaps, reaperSetsOomScore } from "./user-namespace.ts";

/** The process that becomes the user's program. See compileCreate. */
export function emitInit(c: Compilation): void {
  const { p, plan } = c;
  const { spec } = plan.request;
  const { process } = spec;
  emitPrepare(c);
  if (isNew(c, "network")) emitLoopback(c);
  emitAwaitNetDevices(c);
  emitNames(c);
  emitSysctls(c);
  emitRootFileSystem(c);
  emitTakeMasks(c);
  const { early, late } = mountsAroundCgroups(plannedMounts(c));
  emitMounts(c, early);
  emitDevices(c);
  emitJoinCgroups(c);
  emitMounts(c, late);
  if (process !== undefined) emitMakeWorkingDirectory(c, process.cwd);
  // Before the hooks: the reaper waits for it, and hears of them afterwards.
  if (c.terminal && process !== undefined) emitMakeTerminal(c, process, c.root, true);
  if (hasHooks(c, ...PIVOT_HOOKS)) emitSay(c, "prepared", true);
  emitChangeRoot(c);
  emitFinishReadOnlyMounts(c);
  emitReadOnlyRoot(c);
  emitMaskPaths(c);
  emitReadonlyPaths(c);
  emitRootPropagation(c);
  if (process === undefined) return;
  checkScheduler(c);
  const options: BecomeOptions = {
    process,
    seccomp: plan.seccomp,
    groupsDenied: c.userNamespace && !c.privileged,
    proc: c.proc,
    init: plan.request.init ?? false,
    startsAsOrphan: startsAsOrphan(c),
    beforeExecute: () => emitReady(c),
  };
  // In a user namespace the reaper has set it, which may lower it where root there may not.
  if (!reaperSetsOomScore(c)) emitOomScore(p, process, c.proc);
  emitPrivilegedAttributes(c, options);
  emitPersonality(p, spec.linux?.personality);
  emitMemoryPolicy(p, spec.linux?.memoryPolicy);
  if (c.terminal) emitInstallTerminal(c);
  else {
    emitInstallStdio(c);
    emitGiveStdio(c, process);
  }
  emitBecomeProgram(c, options);
}

function emitChangeRoot(c: Compilation): void {
  const { withoutPivot } = c.plan.style;
  if (withoutPivot === undefined) emitPivot(c);
  else emitOvermountRoot(c, withoutPivot);
  emitExpectTop(c);
}

/** Who has deadlines makes no children, or only some without (sched(7)), and the small init's child is the program. */
function checkScheduler({ plan: { request } }: Compilation): void {
  if (request.init !== true || request.spec.process?.scheduler?.policy !== "SCHED_DEADLINE") return;
  throw new OrlopError("unsupported", `Cannot use scheduler "SCHED_DEADLINE": the small init needs a child`, {
    field: "process.scheduler",
  });
}

/**
 * Makes the working directory where there is none, as the other runtimes do. Where that cannot be, the change to it,
 * later and as the user, tells.
 */
function emitMakeWorkingDirectory(c: Compilation, cwd: string): void {
  const { p } = c;
  const cannot = p.label("cannot make it");
  p.step({ action: `make directory "${cwd}"`, field: "process.cwd" });
  p.handler(cannot);
  emitDirectoryInRoot(p, c.root, cwd, p.slot("target"));
  p.call("close", [p.slot("target")]);
  p.mark(cannot);
  p.handler(c.labels.childFailed);
}

/** As late as possible, because the reaper is still making them; before a mount that shows them. */
function emitJoinCgroups(c: Compilation): void {
  const { cgroup, unit } = c.plan;
  if (cgroup !== undefined) {
    emitTakeCgroupDoors(c, cgroup);
    emitEnterCgroups(c.p, cgroup);
  }
  if (unit !== undefined) emitAwaitOwnUnit(c, unit);
  emitForgetCpuAffinity(c.p);
  emitCgroupNamespace(c);
}

/** What is written through procfs; most containers need none of it. */
function needsProc(c: Compilation): boolean {
  const { process, linux } = c.plan.request.spec;
  return (
    (process?.oomScoreAdj !== undefined && !reaperSetsOomScore(c)) ||
    process?.apparmorProfile !== undefined ||
    process?.selinuxLabel !== undefined ||
    Object.keys(linux?.sysctl ?? {}).length > 0 ||
    isNew(c, "time")
  );
}

function emitPrepare(c: Compilation): void {
  const { p, plan } = c;
  p.step({ action: "prepare init" });
  p.handler(c.labels.childFailed);
  if (!c.detached) emitDieWithParent(p);
  emitLeaveReaperEnds(c);
  // CVE-2016-9962: processes that are there already must not look into this one.
  if (!isNew(c, "pid") && canHide(c)) emitHide(c);
  if (hasOneBetween(c)) emitAwaitReaper(c);
  else if (c.userNamespace) emitAwaitIdMaps(c);
  if (plan.request.userNamespaceParent !== undefined) emitWriteOwnIdMaps(c);
  if (needsProc(c)) emitProcHandle(p, c.proc);
  // As the user that this process still is: to root of the namespace its own files in procfs are somebody else's.
  emitTimeNamespace(c);
  if (c.userNamespace) emitBecomeRoot(c);
  emitOwnSession(c, plan.request.id);
}

/**
 * The files in procfs of a process that is not dumpable belong to root of the user namespace that its memory was made in,
 * the reaper's. Where that is not the reaper itself, neither the id maps could be written nor could the user's own tools
 * and hooks, which need not be less privileged than init, find its namespaces.
 */
function canHide(c: Compilation): boolean {
  return c.privileged || !c.userNamespace;
}

/** Until it executes the user's program nobody may look at the memory of this process, or at what it has open. */
function emitHide({ p }: Compilation): void {
  p.call("prctl", [p.flags("PR_SET_DUMPABLE"), 0, 0, 0, 0]);
}

/** Tells the reaper; then, where asked to, waits for its word. */
function emitReady(c: Compilation): void {
  if (canHide(c)) {
    c.p.step({ action: "hide", why: "CVE-2016-9962: others may join this process's namespaces while it waits" });
    emitHide(c);
  }
  const { startOnCommand } = c.plan.style;
  const hooked = hasHooks(c, "startContainer");
  emitSay(c, "ready", startOnCommand && !startsAsOrphan(c));
  if (startsAsOrphan(c)) {
    // It leads to the host, as what is let go of next.
    if (c.plan.cgroup?.cloneInto !== undefined) c.p.call("close", [c.p.slot("cgroup")]);
    emitAwaitStart(c);
    if (hooked) emitAwaitStartHooks(c);
    emitEndWait(c);
  } else if (hooked) emitSay(c, "starting", true);
}

/** As with sysctls, the decoder refuses such a config, and a spec that was built in memory comes here unseen. */
function emitNames(c: Compilation): void {
  const { p } = c;
  const { hostname, domainname } = c.plan.request.spec;
  for (const [call, field, name] of [
    ["sethostname", "hostname", hostname],
    ["setdomainname", "domainname", domainname],
  ] as const) {
    if (name === undefined || name === "") continue;
    if (!c.namespaces.has("uts")) {
      throw new OrlopError("invalid", `Cannot set ${field} "${name}": without a uts namespace it would be the host's`, {
        field,
      });
    }
    p.step({ action: `set ${field} "${name}"`, field });
    p.call(call, [p.bytes(Buffer.from(name), JSON.stringify(name)), Buffer.byteLength(name)]);
  }
}

/**
 * A sysctl that no namespace of the container's own has would be the host's. The decoder refuses such a config; a spec
 * that was built in memory comes here unseen.
 */
function emitSysctls(c: Compilation): void {
  for (const [name, value] of Object.entries(c.plan.request.spec.linux?.sysctl ?? {})) {
    const path = sysctlPath(name);
    const namespace = path === undefined ? undefined : sysctlNamespace(path);
    const field = `linux.sysctl.${name}`;
    if (path === undefined || namespace === undefined || !c.namespaces.has(namespace)) {
      throw new OrlopError("invalid", `Cannot set sysctl "${name}": the container has no namespace of its own for it`, {
        field,
      });
    }
    c.p.step({ action: `set sysctl "${name}" to "${value}"`, field });
    emitWriteProc(c.p, c.proc, `sys/${path}`, value);
  }
}
