import { readFileSync } from "node:fs";
import { isMarkAlive, ownProcessMark } from "@orlop/kernel";

let own: string | undefined;
let boot: string | undefined;

/** Names this process among all that there have been, those before the machine was started last as well. */
export function ownLeaseOwner(): string {
  own ??= leaseOwner(ownProcessMark());
  return own;
}

/** The same of the process that a mark names. */
export function leaseOwner(processMark: string): string {
  return `${bootId()}/${processMark}`;
}

/** Whether the process that a name stands for lives, or may live where this process cannot see it. */
export function isLeaseOwnerAlive(owner: string): boolean {
  if (owner === ownLeaseOwner()) return true;
  const slash = owner.indexOf("/");
  return owner.slice(0, slash) === bootId() && isMarkAlive(owner.slice(slash + 1));
}

/** random(4), /proc/sys/kernel/random/boot_id. */
function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return boot;
}
