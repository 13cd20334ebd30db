import { ownProcessMark } from "@orlop/kernel";
import { caller } from "./caller.ts";

/** Names the process that was called: what belongs to its call alone carries this, and belongs to nobody once that is gone. */
export function callerMark(): string {
  return caller().mark ?? ownProcessMark();
}
