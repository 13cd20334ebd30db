import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeReport, REPORT, type Report, reportKind } from "@orlop/kernel";
import { encodeCommand } from "./control-command.ts";
import { exitStatus } from "./exit-status.ts";

/** CLD_EXITED, CLD_KILLED and CLD_DUMPED: include/uapi/asm-generic/siginfo.h. */
const EXITED = 1;
const KILLED = 2;
const DUMPED = 3;

/** The record of an exit as a reaper writes it. */
function exitReport(
  code: number,
  status: number,
  rusage: readonly (readonly [offset: number, value: bigint])[] = [],
): Report {
  const bytes = Buffer.alloc(REPORT.size);
  const { fields } = REPORT;
  bytes.writeUInt32LE(REPORT.size, 0);
  bytes.writeUInt32LE(reportKind("exited"), fields.kind.offset);
  bytes.writeUInt32LE(code, fields.index.offset);
  bytes.writeBigInt64LE(BigInt(status), fields.value.offset);
  bytes.writeBigInt64LE(1_700_000_000n, fields.seconds.offset);
  bytes.writeBigInt64LE(123_456_789n, fields.nanoseconds.offset);
  for (const [offset, value] of rusage) bytes.writeBigInt64LE(value, fields.rusage.offset + offset);
  const report = decodeReport(bytes);
  assert(report !== undefined);
  return report;
}

suite("an exit status", () => {
  test("is the code of a program that ended by itself", () => {
    for (const code of [0, 1, 137, 255]) {
      const { exitCode, signal } = exitStatus(exitReport(EXITED, code), false);
      assert.deepEqual([exitCode, signal], [code, undefined]);
    }
  });

  test("is 128 and the number of the signal that ended it, with or without a core", () => {
    for (const how of [KILLED, DUMPED]) {
      const { exitCode, signal } = exitStatus(exitReport(how, 11), false);
      assert.deepEqual([exitCode, signal], [139, 11]);
    }
  });

  test("says when, and what it cost", () => {
    // struct rusage: ru_utime, ru_stime, then ru_maxrss in KiB (include/uapi/linux/resource.h).
    const rusage = [
      [0, 2n],
      [8, 500_000n],
      [16, 0n],
      [24, 7n],
      [32, 1024n],
    ] as const;
    assert.deepEqual(exitStatus(exitReport(EXITED, 0, rusage), true), {
      exitCode: 0,
      signal: undefined,
      oomKilled: true,
      exitedAtMs: 1_700_000_000_123,
      usage: { userMicroseconds: 2_500_000, systemMicroseconds: 7, residentMaxBytes: 1024 * 1024 },
    });
  });
});

suite("a control command", () => {
  test("is eight bytes, the kind and the argument", () => {
    assert.deepEqual([...encodeCommand("start")], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual([...encodeCommand("signal", 15)], [2, 0, 0, 0, 15, 0, 0, 0]);
    assert.deepEqual([...encodeCommand("resize", (80 << 16) | 24)], [3, 0, 0, 0, 24, 0, 80, 0]);
  });

  test("takes an argument of 32 bits, whatever its sign", () => {
    assert.deepEqual([...encodeCommand("resize", (0xffff << 16) | 0xffff)], [3, 0, 0, 0, 255, 255, 255, 255]);
  });
});
