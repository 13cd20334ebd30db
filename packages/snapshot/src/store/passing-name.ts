import { randomUUID } from "node:crypto";
import { isMarkAlive, ownProcessMark } from "@orlop/kernel";

/** With the mark of the process that it is of. */
const FILLING = "filling-";

/** A new name beside the directories of snapshots for what this process works with: whoever cleans up finds what it has left. */
export function passingName(): string {
  return `${FILLING}${ownProcessMark()}-${randomUUID()}`;
}

/** Whoever made it is gone. */
export function isLeftPassing(name: string): boolean {
  return name.startsWith(FILLING) && !isMarkAlive(name.slice(FILLING.length).replace(/-.*$/, ""));
}
