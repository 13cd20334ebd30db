import type { ExecCPUAffinity } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";
import { numberListMask } from "./number-list.ts";

/** As many as any kernel can have: arch/x86/Kconfig, NR_CPUS_RANGE_END. */
const CPUS_MAX = 8192;

/**
 * Takes away the CPUs that the process has from who started it, behind the entry into its cgroup, which alone decides. The
 * kernel leaves CPUs out that the cgroup does not allow, but has them come back with the cgroup's.
 */
export function emitForgetCpuAffinity(p: ProgramBuilder): void {
  const every = Buffer.alloc(CPUS_MAX / 8, 0xff);
  p.step({
    action: "run on every CPU of the cgroup",
    why: "the caller's own affinity is not the container's (runc#4195)",
  });
  p.call("sched_setaffinity", [0, every.length, p.bytes(every, "[ALL]")], { ignore: "any" });
}

/** Restricts the process to CPUs of the list, and what it starts with it; an empty list leaves them as they are. */
export function emitCpuAffinity(
  p: ProgramBuilder,
  affinity: ExecCPUAffinity | undefined,
  moment: keyof ExecCPUAffinity,
): void {
  const list = affinity?.[moment] ?? "";
  if (list === "") return;
  p.step({
    action: `run on CPUs "${list}"`,
    field: `process.execCPUAffinity.${moment}`,
    why: `${moment === "initial" ? "before" : "after"} the cgroup of the container is entered`,
  });
  const mask = numberListMask(list);
  p.call("sched_setaffinity", [0, mask.length, p.bytes(mask, `[${list}]`)]);
}
