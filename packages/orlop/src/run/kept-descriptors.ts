import { OrlopError } from "@orlop/core";
import { isInherited } from "@orlop/runtime/launcher";

/** The first that is no standard stream. */
const FIRST = 3;
const COUNT_MAX = 256;

/** Reads `--preserve-fds`. @throws OrlopError `invalid` */
export function parsePreserved(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= COUNT_MAX) return Number(text);
  throw new OrlopError("invalid", `it is a number of descriptors, at most ${COUNT_MAX}`);
}

/**
 * Those of the caller's from 3 up, so many. What the caller has not open is this process's own by now, and nobody else's.
 *
 * @throws OrlopError `invalid` where one is not open
 */
export function keptDescriptors(count: number): readonly number[] {
  const kept = Array.from({ length: count }, (_, index) => FIRST + index);
  const missing = kept.find((fd) => !isInherited(fd));
  if (missing === undefined) return kept;
  throw new OrlopError("invalid", `Cannot preserve ${count} descriptors: descriptor ${missing} is not open`);
}

/** For what goes on when its caller has gone. */
export function refusePreserved(count: number | undefined, way: string): void {
  if (count === undefined || count === 0) return;
  const what = "descriptors are passed on to what ends with its caller";
  throw new OrlopError("unsupported", `Cannot use flag "--preserve-fds": ${what}\n${way}`, { field: "preserve-fds" });
}
