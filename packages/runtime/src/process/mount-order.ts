import { isCgroupMount, overlaps, type PlannedMount } from "./mount-sources.ts";

/**
 * Mounts before and after the entry into the cgroups: those of cgroups show where init is then, and what overlaps with
 * them keeps its place behind them. Devices are made before, because a filter there may forbid it, and after /dev.
 */
export function mountsAroundCgroups(
  mounts: readonly PlannedMount[],
): Record<"early" | "late", readonly PlannedMount[]> {
  const first = mounts.findIndex(isCgroupMount);
  if (first < 0) return { early: mounts, late: [] };
  if (!mounts.slice(first).some(({ mount }) => mount.destination === DEV)) {
    return { early: mounts.slice(0, first), late: mounts.slice(first) };
  }
  const early: PlannedMount[] = [];
  const late: PlannedMount[] = [];
  for (const planned of mounts) {
    const isLate = isCgroupMount(planned) || late.some((each) => overlap(each, planned));
    (isLate ? late : early).push(planned);
  }
  return { early, late };
}

const DEV = "/dev";

/** A bind has two places. */
function overlap(earlier: PlannedMount, { mount, inside }: PlannedMount): boolean {
  return [mount.destination, inside].some((place) => place !== undefined && overlaps(earlier.mount.destination, place));
}
