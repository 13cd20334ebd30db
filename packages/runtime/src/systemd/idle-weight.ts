import type { LinuxResources } from "@orlop/core";
import type { Warn } from "../process/warn.ts";

/** Tells of a weight beside idleness: systemd knows that as the weight 0, and a unit has one weight. */
export function warnOfIdleWeight({ cpu, unified = {} }: LinuxResources, warn: Warn): void {
  const weighed = isOne(cpu?.idle) && Number(cpu?.shares ?? 0) !== 0 ? "cpu.shares" : undefined;
  const unifiedWeighed = isOne(unified["cpu.idle"]) && unified["cpu.weight"] !== undefined ? "cpu.weight" : undefined;
  for (const name of [weighed, unifiedWeighed]) {
    // runc's words.
    if (name !== undefined)
      warn(`Cannot set ${name} beside cpu.idle: systemd is unable to apply both, and cpu.idle counts`);
  }
}

function isOne(value: string | number | bigint | undefined): boolean {
  return value !== undefined && Number(value) === 1;
}
