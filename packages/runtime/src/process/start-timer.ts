import type { ProgramBuilder, Slot } from "@orlop/kernel";

/** struct itimerspec (include/uapi/linux/time.h): the interval and the first time, of 64 bits for seconds and nanoseconds each. */
const ITIMERSPEC_BYTES = 32;
const VALUE_AT = 16;

/** A timer that has something to read once, when so much time has passed in which the machine was awake. */
export function emitStartTimer(p: ProgramBuilder, ms: number): Slot {
  const timer = p.slot("timer");
  const time = Buffer.alloc(ITIMERSPEC_BYTES);
  time.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), VALUE_AT);
  // Zero would be no timer at all.
  time.writeBigInt64LE(BigInt(Math.round((ms % 1000) * 1e6) || (ms < 1 ? 1 : 0)), VALUE_AT + 8);
  const cloexec = p.number(0o2000000, "TFD_CLOEXEC");
  p.call("timerfd_create", [p.flags("CLOCK_MONOTONIC"), cloexec], { into: timer });
  p.call("timerfd_settime", [timer, 0, p.bytes(time, `{${ms} ms}`), 0]);
  return timer;
}
