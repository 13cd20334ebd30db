import type { Program } from "@orlop/kernel";
import { refuseUnsupported } from "../oci-support/refuse-unsupported.ts";
import {
  emitHandOverCgroupDoors,
  emitKeepMemoryEvents,
  emitMakeCgroups,
  emitOpenCloneCgroup,
  emitRemoveCgroups,
} from "./cgroups.ts";
import { type Compilation, type CreatePlan, isNew, startsAsOrphan } from "./compilation.ts";
import type { StartStep } from "./container-record.ts";
import { stateOf } from "./container-status.ts";
import { emitMakeDeviceNodes } from "./device-nodes.ts";
import { emitMakeMappingSocket, emitMapForInit } from "./idmap.ts";
import { emitInit } from "./init-process.ts";
import { emitBindSources } from "./mount-sources.ts";
import {
  checkNamespaces,
  cloneFlags,
  emitForgetCgroupNamespace,
  emitJoiningClone,
  emitJoinNamespaces,
  hasOneBetween,
} from "./namespaces.ts";
import { checkNetDevices, emitMoveNetDevices, emitOpenHostNetwork } from "./net-devices.ts";
import { emitCloneChild, emitEndReaper, emitPrepareReaper, emitRecordExit, emitSupervise } from "./reaper.ts";
import { checkRoot } from "./root-filesystem.ts";
import { checkListener, emitMakeCourierSocket, emitStartCourier } from "./seccomp-listener.ts";
import { startCompilation } from "./start-compilation.ts";
import { emitMakeStartPipes } from "./start-pipes.ts";
import { emitOpenStdio } from "./stdio.ts";
import { sayAction } from "./supervision.ts";
import { emitAskForUnit, emitAwaitUnit, emitLetIntoUnit } from "./systemd-unit.ts";
import { checkConsoleSocket, emitTakeTerminal } from "./terminal.ts";
import { emitWriteIdMaps } from "./user-namespace.ts";

/**
 * Compiles one container into the program that makes it.
 *
 * Two processes run it. The *reaper* is the zygote's child: it makes the cgroups, starts init, tells of its fate, waits
 * for it, records its exit and removes what was made. *init* enters the new namespaces, builds the file system, gives up
 * its privileges and executes the user's program.
 */
export function compileCreate(plan: CreatePlan): Program {
  const c = startCompilation(plan);
  const { p } = c;
  refuseUnsupported(plan.request.spec);
  checkNamespaces(c);
  checkRoot(c);
  checkNetDevices(c);
  checkConsoleSocket(c);
  checkListener(plan.seccomp);
  emitPrepareReaper(c);
  if (plan.cgroup !== undefined && plan.unit === undefined) {
    emitMakeCgroups(p, plan.cgroup, 2);
    emitOpenCloneCgroup(p, plan.cgroup);
  }
  if (startsAsOrphan(c)) emitMakeStartPipes(c);
  emitOpenStdio(c);
  emitBindSources(c);
  emitMakeMappingSocket(c);
  emitMakeDeviceNodes(c);
  emitMakeCourierSocket(c, plan.seccomp);
  emitOpenHostNetwork(c);
  emitStartInit(c);
  if (plan.unit !== undefined) emitAskForUnit(c, plan.unit);
  // As runc and crun have it, also where the filter is loaded after the start.
  emitStartCourier(c, plan.seccomp, stateOf(plan.request, "creating"));
  if (c.userNamespace && !hasOneBetween(c)) emitWriteIdMaps(c);
  emitMoveNetDevices(c);
  if (plan.unit !== undefined) emitAwaitUnit(c, plan.unit);
  if (plan.cgroup !== undefined) {
    if (plan.unit !== undefined) emitMakeCgroups(p, plan.cgroup, 2);
    emitMakeCgroups(p, plan.cgroup, 1);
    emitHandOverCgroupDoors(c, plan.cgroup);
  }
  if (plan.unit !== undefined) emitLetIntoUnit(c);
  emitMapForInit(c);
  if (c.terminal) emitTakeTerminal(c);
  emitSupervise(c, plan.style.startOnCommand, c.labels.child);
  if (plan.cgroup !== undefined) emitKeepMemoryEvents(p, plan.cgroup, c.slots.state);
  emitRecordExit(c);
  emitEndReaper(c, () => {
    // With a shared pid namespace others may live on in them; deleting the container ends those.
    const stay = plan.style.keepsCgroups === true || !isNew(c, "pid");
    if (plan.cgroup !== undefined && !stay) emitRemoveCgroups(p, plan.cgroup, c.slots.cgroupsRemoved);
  });
  p.mark(c.labels.child);
  p.role("init");
  emitInit(c);
  return p.build();
}

/** What init does after it has said that it is ready: the last steps of a program by {@link compileCreate}. */
export function startSteps({ instructions, steps }: Program): readonly StartStep[] {
  const says = [sayAction("ready", true), sayAction("ready", false)];
  const ready = steps.findIndex(({ action }) => says.includes(action));
  const begins = new Map<number, number>();
  for (let index = instructions.length - 1; index >= 0; index--) begins.set(instructions[index]?.step ?? -1, index);
  return steps.slice(ready).flatMap(({ action, field }, index): readonly StartStep[] => {
    const from = begins.get(ready + index);
    return from === undefined ? [] : [{ from, action, ...(field === undefined ? {} : { field }) }];
  });
}

function emitStartInit(c: Compilation): void {
  const { p } = c;
  const cgroup = c.plan.cgroup?.cloneInto === undefined ? undefined : p.slot("cgroup");
  if (hasOneBetween(c)) {
    emitJoiningClone(c, cgroup);
    return;
  }
  emitJoinNamespaces(c);
  p.step({
    action: "start init in its namespaces",
    field: "linux.namespaces",
    why: "one clone makes them all; the cgroup namespace comes after the cgroup",
  });
  emitCloneChild(c, cloneFlags(c), cgroup);
  emitForgetCgroupNamespace(c);
}
