import { type Process, RLIMIT_TYPES, type Rlimit } from "@orlop/core";
import { type Label, type ProgramBuilder, RLIMIT64, type Value } from "@orlop/kernel";
import { emitSay, type HostView, type Supervision, type SupervisionOptions } from "./supervision.ts";

/** See {@link SupervisionOptions.rlimitsFromReaper}. */
export function rlimitsFromReaper(
  process: Process | undefined,
  host: HostView,
  inUserNamespace: boolean,
): readonly Rlimit[] {
  return inUserNamespace && host.uid === 0 ? (process?.rlimits ?? []) : [];
}

/** In the child: sets its limits, or has the reaper set them. */
export function emitTakeRlimits(s: Supervision, { rlimits = [] }: Process): void {
  if (givesRlimits(s)) emitSay(s, "limited", true);
  else emitRlimits(s.p, rlimits, 0);
}

/** In the reaper, when the child waits for its limits. */
export function emitGiveRlimits(s: Supervision, goOn: Label): void {
  const { p, slots } = s;
  emitRlimits(p, s.rlimitsFromReaper ?? [], slots.child);
  p.call("write", [slots.syncReaper, p.text("."), 1]);
  p.jump(goOn);
}

function emitRlimits(p: ProgramBuilder, limits: readonly Rlimit[], pid: Value): void {
  for (const [index, { type, soft, hard }] of limits.entries()) {
    p.step({ action: `set ${type} to ${soft}:${hard}`, field: `process.rlimits[${index}]` });
    const limit = p.struct(RLIMIT64, { rlim_cur: BigInt(soft), rlim_max: BigInt(hard) });
    p.call("prlimit64", [pid, p.number(RLIMIT_TYPES.indexOf(type), type), limit, 0]);
  }
}

/** The reaper has limits to set. */
export function givesRlimits({ rlimitsFromReaper = [] }: Pick<SupervisionOptions, "rlimitsFromReaper">): boolean {
  return rlimitsFromReaper.length > 0;
}
