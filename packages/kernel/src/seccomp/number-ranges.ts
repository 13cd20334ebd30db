import { type SeccompArchitecture, X32_SYSCALL_BIT } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallColumn } from "../abi/syscall-numbers/syscall-numbers.ts";
import type { ProfileRules } from "./profile-rules.ts";

/** The highest `seccomp_data.nr`. */
export const NUMBER_MAX = 0xffff_ffff;

/** Numbers from `start` on, up to the next range. */
export interface NumberRange {
  readonly start: number;
  /**
   * - `known`: the author of the profile could have named the call
   * - `new`: the call is newer than the profile
   * - `foreign`: the number belongs to an architecture that the profile does not list
   */
  readonly kind: "known" | "new" | "foreign";
}

/**
 * Splits one architecture's share of the number space.
 *
 * Calls are numbered in the order of their making, so numbers up to the highest that the profile names are known and
 * those after it are new. runc does the same. ARM's private calls and x32's own are numbered far above all others; one
 * of them in a profile, docker's for example, makes runc take every new call for known. Here such a block counts for
 * itself only.
 */
export function numberRanges(
  architecture: SeccompArchitecture,
  { knownIds }: Pick<ProfileRules, "knownIds">,
): readonly NumberRange[] {
  const { ownNumbersFrom = NUMBER_MAX, name } = architecture;
  const start = name === "SCMP_ARCH_X32" ? X32_SYSCALL_BIT : 0;
  const column = syscallColumn(architecture);
  let last = 0;
  let lastOwn = 0;
  for (const id of knownIds) {
    const number = column[id] ?? -1;
    if (number >= ownNumbersFrom) lastOwn = Math.max(lastOwn, number);
    else last = Math.max(last, number);
  }
  // No range is new where the profile names no call, or only read(2) of x86-64, whose number is 0: again runc's way.
  const ranges: NumberRange[] = [{ start, kind: "known" }];
  if (last !== 0) ranges.push({ start: last + 1, kind: "new" });
  if (lastOwn !== 0) ranges.push({ start: ownNumbersFrom, kind: "known" }, { start: lastOwn + 1, kind: "new" });
  return ranges;
}

/**
 * The whole number space of the architectures that share a value of `seccomp_data.arch`: x86-64, x32 or both, or any
 * single other one. Sorted; the first range starts at 0.
 */
export function sharedNumberRanges(
  sharing: readonly SeccompArchitecture[],
  rules: Pick<ProfileRules, "knownIds">,
): readonly NumberRange[] {
  const ranges = sharing.flatMap((architecture) => numberRanges(architecture, rules));
  const has = (name: string): boolean => sharing.some((each) => each.name === name);
  if (has("SCMP_ARCH_X86_64") && !has("SCMP_ARCH_X32")) {
    // A tracer sets -1 to skip a call, and filters see that since Linux 4.8: it is nobody's x32 call.
    ranges.push({ start: X32_SYSCALL_BIT, kind: "foreign" }, { start: NUMBER_MAX, kind: "known" });
  }
  if (has("SCMP_ARCH_X32") && !has("SCMP_ARCH_X86_64")) ranges.push({ start: 0, kind: "foreign" });
  return ranges.sort((a, b) => a.start - b.start);
}
