import type { Linux, MemoryPolicyFlag, MemoryPolicyMode } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";
import { numberListMask } from "./number-list.ts";

/** include/uapi/linux/mempolicy.h */
const MODES: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};
const FLAGS: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

/** Where memory of the container's processes comes from: set_mempolicy(2). It is inherited, also over an exec. */
export function emitMemoryPolicy(p: ProgramBuilder, policy: Linux["memoryPolicy"]): void {
  if (policy === undefined) return;
  const { mode, nodes = "", flags = [] } = policy;
  p.step({
    action: `set memory policy ${[mode, ...flags].join("|")}${nodes === "" ? "" : ` for nodes "${nodes}"`}`,
    field: "linux.memoryPolicy",
    why: "in the container's cpuset by now, which decides what nodes there are",
  });
  const value = p.number(
    flags.reduce((bits, flag) => bits | FLAGS[flag], MODES[mode]),
    [mode, ...flags].join("|"),
  );
  if (nodes === "") {
    p.call("set_mempolicy", [value, 0, 0]);
    return;
  }
  const mask = numberListMask(nodes);
  // The kernel takes one bit off what it is told.
  p.call("set_mempolicy", [value, p.bytes(mask, `[${nodes}]`), 8 * mask.length + 1]);
}
