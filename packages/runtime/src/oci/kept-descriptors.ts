import { OrlopError } from "@orlop/core";
import { goesByCrun } from "./goes-by-crun.ts";
import type { VerbContext } from "./verb.ts";

/** The first of the caller's descriptors that a process can keep. */
export const FIRST_KEPT = 3;

/**
 * How many of the caller's descriptors from 3 up a process keeps, of those that are wanted. Numbers that the caller has
 * not open are anybody's by now, this command's own included, and must not be passed on. crun passes on what there is, so
 * that its callers ask for more than they have.
 *
 * @throws OrlopError `invalid` where one is not open
 */
export function keptDescriptors({ call, log }: Pick<VerbContext, "call" | "log">, wanted: number): number {
  for (let kept = 0; kept < wanted; kept++) {
    const fd = FIRST_KEPT + kept;
    if (call.hands.descriptor(fd) !== undefined) continue;
    const problem = `Cannot preserve ${wanted} descriptors: descriptor ${fd} is not open`;
    if (!goesByCrun(call)) throw new OrlopError("invalid", problem);
    log.warn(`${problem}; ${kept} are passed on`);
    return kept;
  }
  return wanted;
}
