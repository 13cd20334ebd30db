import type { ExecCPUAffinity } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";
import { numberListMask } from "./number-list.ts";

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
