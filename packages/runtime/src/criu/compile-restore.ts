import { CMSG_ONE_FD, emitReport, type Program, type Slot } from "@orlop/kernel";
import { emitAwaitCommand } from "../process/await-command.ts";
import {
  emitEnterCgroups,
  emitKeepMemoryEvents,
  emitMakeCgroups,
  emitOpenCgroupDoors,
  emitOpenCloneCgroup,
  emitRemoveCgroups,
} from "../process/cgroups.ts";
import { type Compilation, type CreatePlan, hasHooks, isNew } from "../process/compilation.ts";
import { emitLoopback } from "../process/loopback.ts";
import { emitOwnKeyring } from "../process/own-session.ts";
import { emitEndReaper, emitPrepareReaper, emitRecordExit, emitSupervise } from "../process/reaper.ts";
import { checkRoot } from "../process/root-filesystem.ts";
import { startCompilation } from "../process/start-compilation.ts";
import { emitInstallStdio, emitOpenStdio } from "../process/stdio.ts";
import { emitSay, WORD } from "../process/supervision.ts";
import { emitAskForUnit, emitAwaitOwnUnit, emitAwaitUnit, emitLetIntoUnit } from "../process/systemd-unit.ts";
import { checkConsoleSocket, emitPassTerminalOn } from "../process/terminal.ts";
import type { ContainerUnit } from "../systemd/container-unit.ts";
import {
  CRIU_FD,
  type CriuDirectories,
  type CriuTalk,
  emitAbandonCriu,
  emitAwaitCriu,
  emitBecomeCriu,
  emitCloneCriu,
  emitCriuChild,
  emitNewsPid,
  emitPrepareCriu,
  emitTalk,
} from "./emit-criu.ts";
import { emitEnterPreparedRoot, emitLeavePreparedRoot } from "./emit-prepare-root.ts";
import type { CriuProgram } from "./find-criu.ts";

interface RestorePlan extends CriuDirectories {
  readonly criu: CriuProgram;
  /** A `criu_req`. */
  readonly request: Uint8Array;
  /** Paths of namespaces that the request names by descriptor, from CRIU_FD.namespaces on. */
  readonly namespaces: readonly string[];
  /** Of the root file system, without links. */
  readonly root: string;
  /** Stop once the namespaces are there, whether or not the config has hooks for that. */
  readonly stops?: boolean;
}

/** The restored init, once CRIU has told of it. */
interface Restored {
  readonly pid: Slot;
  readonly pidfd: Slot;
}

/**
 * Compiles the restoring of a container. As in compileCreate a reaper watches over init, but it is CRIU that makes init, in
 * the reaper's place: as its own sibling. Once it has, the reaper says of init what init would say of itself.
 */
export function compileRestore(plan: CreatePlan, restore: RestorePlan): Program {
  const c = startCompilation(plan);
  const { p, slots, labels } = c;
  const refused = p.label("criu failed");
  const restored: Restored = { pid: p.slot("restored"), pidfd: p.slot("restored_pidfd") };
  checkRoot(c);
  checkConsoleSocket(c);
  emitPrepareReaper(c);
  if (c.keepKeyring !== true) {
    p.step({ action: "take a keyring of one's own", why: "keys of the caller stay with the caller" });
    emitOwnKeyring(c, plan.request.id);
  }
  p.set(restored.pid, 0);
  p.set(slots.master, 0);
  if (plan.unit === undefined) emitCgroups(c);
  emitOpenStdio(c);
  p.step({ action: 'open "/dev/null"', why: "what was on the host's is so again, whatever the caller has" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), p.flags("O_RDWR|O_CLOEXEC"), 0], {
    into: p.slot("null"),
  });
  for (const [index, path] of restore.namespaces.entries()) {
    p.step({ action: `open namespace "${path}"`, field: "linux.namespaces" });
    const into = p.slot(`namespace_${index}`);
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into });
  }
  // CRIU mounts things in its working directory, which has to be of the same mount namespace.
  emitEnterPreparedRoot(c, restore.root);
  const talk = emitPrepareCriu(p, restore);
  emitCloneCriu(p, talk, labels.child, plan.cgroup?.cloneInto === undefined ? undefined : p.slot("cgroup"));
  if (plan.unit !== undefined) emitEnterUnit(c, plan.unit, talk);
  p.handler(refused);
  emitLeavePreparedRoot(c);
  emitHearOfRestore(c, talk, restore, restored);
  p.handler(labels.reaperFailed);
  emitAwaitCriu(p, talk);
  emitAdopt(c, restored);
  emitSupervise(c, false);
  if (plan.cgroup !== undefined) emitKeepMemoryEvents(p, plan.cgroup, slots.state);
  emitRecordExit(c);
  emitEndReaper(c, () => {
    if (plan.cgroup !== undefined && isNew(c, "pid")) emitRemoveCgroups(p, plan.cgroup, c.slots.cgroupsRemoved);
  });
  p.mark(refused);
  p.handler(labels.reaperFailed);
  emitAbandonCriu(p, talk, c.report);
  emitEnd(c, restored);
  p.fail("ECANCELED");
  p.mark(labels.child);
  emitCriuChild(p, c.report, () => emitChild(c, restore));
  return p.build();
}

/** What CRIU needs of the memory counts as the container's, and what it clones begins there. */
function emitCgroups({ p, plan: { cgroup } }: Compilation): void {
  if (cgroup === undefined) return;
  emitMakeCgroups(p, cgroup, 2);
  emitMakeCgroups(p, cgroup, 1);
  emitOpenCloneCgroup(p, cgroup);
  emitOpenCgroupDoors(p, cgroup);
}

/** What CRIU restores begins in the unit that CRIU is taken into, before it is executed. */
function emitEnterUnit(c: Compilation, unit: ContainerUnit, talk: CriuTalk): void {
  const { p, slots, plan } = c;
  // Until it is there it is the child: what fails ends it.
  p.set(slots.child, talk.pid);
  p.set(slots.pidfd, talk.pidfd);
  emitAskForUnit(c, unit);
  emitAwaitUnit(c, unit);
  if (plan.cgroup !== undefined) {
    emitMakeCgroups(p, plan.cgroup, 2);
    emitMakeCgroups(p, plan.cgroup, 1);
  }
  emitLetIntoUnit(c);
  p.set(slots.child, 0);
  p.set(slots.pidfd, 0);
}

function emitHearOfRestore(c: Compilation, talk: CriuTalk, restore: RestorePlan, { pid, pidfd }: Restored): void {
  const { p, slots } = c;
  emitTalk(p, talk, restore.request, {
    "setup-namespaces": () => {
      emitNewsPid(p, talk, pid);
      if (isNew(c, "network")) emitLoopbackOf(c, pid);
      if (restore.stops === true || hasHooks(c, "prestart", "createRuntime")) emitStopForHooks(c, pid);
    },
    "orphan-pts-master": () => {
      p.step({ action: "take the terminal from criu", field: "process.terminal" });
      p.load(slots.master, talk.descriptor.at(CMSG_ONE_FD.fields.fd.offset), 4);
      if (c.terminal) emitPassTerminalOn(c);
      else p.fail("ENOTTY");
    },
    "post-restore": () => {
      emitNewsPid(p, talk, pid);
      p.call("pidfd_open", [pid, 0], { into: pidfd });
    },
  });
  if (!c.terminal) return;
  const there = p.label("there is a terminal");
  p.step({ action: "find the terminal that the config speaks of", field: "process.terminal" });
  p.branch(slots.master, "ne", 0, there);
  p.fail("ENOTTY");
  p.mark(there);
}

/** CRIU has made an empty namespace; what is restored may need this much of it at once. */
function emitLoopbackOf(c: Compilation, pid: Slot): void {
  const { p } = c;
  const own = p.slot("own_network");
  const init = p.slot("init");
  p.step({ action: "enter the container's network namespace" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self/ns/net"), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: own });
  p.call("pidfd_open", [pid, 0], { into: init });
  p.call("setns", [init, p.flags("CLONE_NEWNET")]);
  p.call("close", [init]);
  emitLoopback(c);
  p.step({ action: "go back to one's own network" });
  p.call("setns", [own, p.flags("CLONE_NEWNET")]);
  p.call("close", [own]);
}

/** Those of the runtime: the namespaces are there, and nothing in them (runtime-spec, "Lifecycle", steps 3 and 4). */
function emitStopForHooks(c: Compilation, pid: Slot): void {
  const { p } = c;
  p.step({ action: "stop for the hooks", field: "hooks" });
  emitReport(p, c.report, "paused", { index: WORD.restoring, value: pid });
  emitAwaitCommand(c);
}

/** Says that init is ready and started, on the socket where init would have said it. */
function emitAdopt(c: Compilation, { pid, pidfd }: Restored): void {
  const { p, slots } = c;
  p.set(slots.child, pid);
  p.set(slots.pidfd, pidfd);
  emitSay(c, "ready", false);
  p.call("close", [slots.syncChild]);
}

/** Ends what there is of the restored init: this process's child, whose pid is its own until it has been waited for. */
function emitEnd({ p }: Compilation, { pid }: Restored): void {
  const none = p.label("nothing was restored");
  p.branch(pid, "eq", 0, none);
  p.call("kill", [pid, p.number(9, "SIGKILL")], { ignore: "any" });
  p.call("waitid", [p.flags("P_PID"), pid, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  p.mark(none);
}

function emitChild(c: Compilation, { criu, namespaces }: RestorePlan): void {
  const { p } = c;
  const { cgroup, unit } = c.plan;
  p.call("setpgid", [0, 0]);
  if (unit !== undefined) {
    // Only the reaper's own: its end is to be seen.
    p.call("close", [c.slots.syncReaper]);
    emitAwaitOwnUnit(c, unit);
    if (cgroup !== undefined) emitOpenCgroupDoors(p, cgroup);
  }
  if (cgroup !== undefined) emitEnterCgroups(p, cgroup);
  emitInstallStdio(c);
  const opened = namespaces.map((_, index) => [p.slot(`namespace_${index}`), CRIU_FD.namespaces + index] as const);
  emitBecomeCriu(p, criu, [[p.slot("null"), CRIU_FD.null], ...opened]);
}
