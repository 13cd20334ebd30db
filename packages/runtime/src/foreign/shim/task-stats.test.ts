import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { taskStats } from "./task-stats.ts";

/** What containerd 1.6.20's shim answered for a container of one sleeping process with limits of 64 MiB and 40 processes. */
const GOLDEN_V1 =
  "1204080110281a170a1308b1e8f4041080ade2042207f58ed004bcd924120022b6010880c0081080a0032080e00728802038e50340b603488806" +
  "5001588080036080206880a008708020800180808020880180e0ffffffffffff7f900180c008980180a003a80180e007b0018020c001e503c801" +
  "b603d0018806d80101e001808003e8018020f00180a008f80180208a020e08808080201080a0321880c097019202130880e0ffffffffffff7f10" +
  "80a0321880c097019a02120880e0ffffffffffff7f1080a0081880c01ba2020a0880e0ffffffffffff7f2a004a00";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("the figures of a shim", () => {
  test("are read as version 1 of cgroups has them", () => {
    const { readAtMs, ...stats } = taskStats("io.containerd.cgroups.v1.Metrics", hex(GOLDEN_V1));
    assert.ok(Math.abs(readAtMs - Date.now()) < 60_000);
    assert.deepEqual(stats, {
      cpu: { usageNanoseconds: 10_302_513n, userNanoseconds: 0n, systemNanoseconds: 10_000_000n },
      memory: { usageBytes: 823_296n, workingSetBytes: 688_128n, limitBytes: 67_108_864n, oomKills: 0n },
      pids: { current: 1, limit: 40 },
      io: { readBytes: 0n, writeBytes: 0n },
    });
  });

  test("are read as version 2 has them, microseconds and limits that are none", () => {
    // pids {3, none}, cpu {1000 us, 600, 400}, memory {inactive 100, usage 300, limit 2^64-1}, io {7, 9} twice, oom_kill 2.
    const entry = "0a04 1807 2009";
    const bytes = hex(
      `0a02 0803 1209 08e807 10d804 189003 2212 6864 8002ac02 8802ffffffffffffffffff01 320c ${entry} ${entry} 4202 2802`,
    );
    const { readAtMs: _, ...stats } = taskStats("types.containerd.io/io.containerd.cgroups.v2.Metrics", bytes);
    assert.deepEqual(stats, {
      cpu: { usageNanoseconds: 1_000_000n, userNanoseconds: 600_000n, systemNanoseconds: 400_000n },
      memory: { usageBytes: 300n, workingSetBytes: 200n, limitBytes: undefined, oomKills: 2n },
      pids: { current: 3, limit: undefined },
      io: { readBytes: 14n, writeBytes: 18n },
    });
  });

  test("of another kind are refused, and damaged ones", () => {
    assert.throws(() => taskStats("example.org/Guest", Buffer.alloc(0)), { code: "unsupported" });
    assert.throws(() => taskStats("io.containerd.cgroups.v1.Metrics", hex("12ff")), { code: "invalid" });
  });
});
