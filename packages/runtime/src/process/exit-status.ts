import type { ExitStatus } from "@orlop/core";
import type { Report } from "@orlop/kernel";

/** si_code of a child that exited by itself (include/uapi/asm-generic/siginfo.h); all others were ended by a signal. */
const CLD_EXITED = 1;

/** Reads an `exited` report. */
export function exitStatus(report: Report, oomKilled: boolean): ExitStatus {
  const exited = report.index === CLD_EXITED;
  const { rusage } = report;
  const view = new DataView(rusage.buffer, rusage.byteOffset, rusage.byteLength);
  // struct rusage: ru_utime, ru_stime as seconds and microseconds, then ru_maxrss in KiB.
  const microseconds = (at: number): number =>
    Number(view.getBigInt64(at, true)) * 1_000_000 + Number(view.getBigInt64(at + 8, true));
  return {
    exitCode: exited ? report.value : 128 + report.value,
    signal: exited ? undefined : report.value,
    oomKilled,
    exitedAtMs: report.atMs,
    usage: {
      userMicroseconds: microseconds(0),
      systemMicroseconds: microseconds(16),
      residentMaxBytes: Number(view.getBigInt64(32, true)) * 1024,
    },
  };
}
