import type { IOPriority, Process, Scheduler } from "@orlop/core";
import { type ProgramBuilder, SCHED_ATTR, type Slot } from "@orlop/kernel";
import { emitWriteProc } from "./proc-handle.ts";

/** include/uapi/linux/sched.h */
const SCHED_POLICIES: Readonly<Record<Scheduler["policy"], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const SCHED_FLAGS: Readonly<Record<NonNullable<Scheduler["flags"]>[number], number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

/** include/uapi/linux/ioprio.h */
const IOPRIO_CLASSES: Readonly<Record<IOPriority["class"], number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IOPRIO_CLASS_SHIFT = 13;

/** The caller's own OOM score, for processes that will be made from it, too. `proc` is a handle on procfs. */
export function emitOomScore(p: ProgramBuilder, { oomScoreAdj }: Process, proc: Slot): void {
  if (oomScoreAdj === undefined) return;
  p.step({ action: `set OOM score adjustment ${oomScoreAdj}`, field: "process.oomScoreAdj" });
  emitWriteProc(p, proc, "self/oom_score_adj", String(oomScoreAdj));
}

/** What a process has that is neither its identity nor a namespace's, and that it may set for itself. */
export function emitAttributes(p: ProgramBuilder, process: Process): void {
  if (process.scheduler !== undefined) emitScheduler(p, process.scheduler);
  if (process.ioPriority !== undefined) {
    const { class: name, priority } = process.ioPriority;
    p.step({ action: `set I/O priority ${name} ${priority}`, field: "process.ioPriority" });
    const value = (IOPRIO_CLASSES[name] << IOPRIO_CLASS_SHIFT) | priority;
    p.call("ioprio_set", [p.flags("IOPRIO_WHO_PROCESS"), 0, p.number(value, `${name}|${priority}`)]);
  }
}

function emitScheduler(p: ProgramBuilder, scheduler: Scheduler): void {
  const { policy, nice, priority, flags = [], runtime, deadline, period } = scheduler;
  p.step({ action: `set scheduler ${policy}`, field: "process.scheduler" });
  const attributes = p.struct(SCHED_ATTR, {
    size: SCHED_ATTR.size,
    sched_policy: p.number(SCHED_POLICIES[policy], policy),
    sched_flags: flags.reduce((bits, flag) => bits | SCHED_FLAGS[flag], 0),
    sched_nice: nice ?? 0,
    sched_priority: priority ?? 0,
    sched_runtime: BigInt(runtime ?? 0),
    sched_deadline: BigInt(deadline ?? 0),
    sched_period: BigInt(period ?? 0),
  });
  p.call("sched_setattr", [0, attributes, 0]);
}
