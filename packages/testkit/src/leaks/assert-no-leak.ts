import { AssertionError } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { patience } from "../patience.ts";
import { type KernelState, LEAK_KINDS, type Leak } from "./kernel-state.ts";
import { snapshotKernelState } from "./snapshot-kernel-state.ts";

/** What is in `after` and was not in `before`. */
export function findLeaks(before: KernelState, after: KernelState): readonly Leak[] {
  return LEAK_KINDS.flatMap((kind) =>
    [...after[kind]].filter(([key]) => !before[kind].has(key)).map(([, what]): Leak => ({ kind, what })),
  );
}

/** Throws an `AssertionError` that lists what is in `after` and was not in `before`. */
export function assertNoLeak(before: KernelState, after: KernelState): void {
  const leaks = findLeaks(before, after);
  if (leaks.length === 0) return;
  const list = leaks.map(({ what }) => `  ${what}`).join("\n");
  throw new AssertionError({ message: `Left behind:\n${list}`, actual: leaks.map(({ what }) => what), expected: [] });
}

/** The kernel finishes some things after the call that ends them: a process's exit, a cgroup's removal. */
const settleTimeMaxMs = patience(3_000);
const settlePauseMs = 10;
/** On a machine that has much else to do one look takes seconds, and children are reaped only between two of them. */
const looksMin = 3;

/** Waits until nothing is left of what was not there `before`; throws what is left when that takes too long. */
export async function assertNoLeakSince(before: KernelState): Promise<void> {
  const deadline = performance.now() + settleTimeMaxMs;
  for (let looks = 1; ; looks++) {
    const after = snapshotKernelState(before.scope);
    if (findLeaks(before, after).length === 0) return;
    if (looks >= looksMin && performance.now() > deadline) return assertNoLeak(before, after);
    await sleep(settlePauseMs);
  }
}
