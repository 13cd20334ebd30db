import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeReport, REPORT, reportKind } from "./report.ts";

function bytesOf(kind: number, changes: (bytes: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.alloc(REPORT.size);
  bytes.writeUInt32LE(REPORT.size, REPORT.fields.length.offset);
  bytes.writeUInt32LE(kind, REPORT.fields.kind.offset);
  changes(bytes);
  return bytes;
}

suite("a report", () => {
  test("says which program, what and when", () => {
    const bytes = bytesOf(reportKind("exited"), (data) => {
      data.writeUInt32LE(42, REPORT.fields.request.offset);
      data.writeUInt32LE(3, REPORT.fields.index.offset);
      data.writeBigInt64LE(-1n, REPORT.fields.value.offset);
      data.writeBigInt64LE(1_700_000_000n, REPORT.fields.seconds.offset);
      data.writeBigInt64LE(999_999_999n, REPORT.fields.nanoseconds.offset);
      data.fill(7, REPORT.fields.rusage.offset);
    });
    const report = decodeReport(bytes);
    assert(report !== undefined);
    const { rusage, ...rest } = report;
    assert.deepEqual(rest, { kind: "exited", request: 42, index: 3, value: -1, atMs: 1_700_000_000_999 });
    assert.deepEqual(rusage, Buffer.alloc(144, 7));
  });

  test("is of each kind that there is", () => {
    const kinds = [
      "refused",
      "unstarted",
      "failed",
      "created",
      "started",
      "paused",
      "exited",
      "ended",
      "begun",
      "lost",
      "signalled",
      "detached",
    ] as const;
    for (const [number, kind] of kinds.entries()) {
      assert.equal(reportKind(kind), number, "a reaper of an older version may still be there");
      assert.equal(decodeReport(bytesOf(number))?.kind, kind);
    }
  });

  test("is none when its length, its own word on it or its kind is wrong", () => {
    assert.equal(decodeReport(bytesOf(reportKind("detached") + 1)), undefined);
    assert.equal(decodeReport(bytesOf(0xffff_ffff)), undefined);
    assert.equal(decodeReport(bytesOf(1).subarray(1)), undefined);
    assert.equal(decodeReport(Buffer.concat([bytesOf(1), Buffer.alloc(1)])), undefined);
    assert.equal(decodeReport(bytesOf(1, (data) => data.writeUInt32LE(REPORT.size - 1, 0))), undefined);
    assert.equal(decodeReport(Buffer.alloc(0)), undefined);
  });
});
