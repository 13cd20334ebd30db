import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BenchRow } from "./bench-row.ts";
import { benchmarksDocument } from "./benchmarks-document.ts";
import { jsonText, tableText } from "./print-rows.ts";

const rows: readonly BenchRow[] = [
  {
    name: "life-cycle",
    what: "all of it",
    unit: "ms",
    ours: 2.5,
    peer: 10,
    peerName: "crun",
    goal: { of: "ratio", max: 0.3 },
  },
  { name: "life-cycle", what: "all of it", unit: "ms", ours: 2.5, peerName: "runc", note: "runc is not installed" },
  { name: "idle-memory", what: "what stays", unit: "kB", ours: 121.25, goal: { of: "ours", max: 100 } },
];

describe("rows of the benchmark", () => {
  test("are a table with a verdict on each goal", () => {
    assert.equal(
      tableText(rows),
      [
        "             ours     peer     ratio    goal",
        "life-cycle   2.50 ms  10 crun  0.250 x  at most 0.3 x: met",
        "life-cycle   2.50 ms  runc                                      runc is not installed",
        "idle-memory  121 kB                     at most 100 kB: missed",
      ].join("\n"),
    );
  });

  test("are JSON with null for what was not measured", () => {
    const [first, second] = JSON.parse(jsonText(rows)) as readonly Record<string, unknown>[];
    assert.deepEqual(first, {
      name: "life-cycle",
      unit: "ms",
      ours: 2.5,
      peer: 10,
      peerName: "crun",
      ratio: 0.25,
      goal: { of: "ratio", max: 0.3 },
      met: true,
      what: "all of it",
      note: null,
    });
    assert.equal(second?.peer, null);
    assert.equal(second?.ratio, null);
    assert.equal(jsonText(rows).split("\n").length, rows.length + 2);
  });

  test("are a document with the machine and the date, each meaning said once", () => {
    const machine = {
      processor: "Some processor",
      cores: 2,
      kernel: "6.1 x64",
      memoryGiB: 4,
      load: 0.25,
      versions: [["crun", "1.8.1"]],
      date: "2026-01-02T03:04Z",
    } as const;
    const text = benchmarksDocument(rows, machine, 30);
    assert.match(text, /^- 2026-01-02T03:04Z, 30 rounds/m);
    assert.match(text, /^- Some processor, 2 cores, 4 GiB of memory, Linux 6\.1 x64, load 0\.3/m);
    assert.match(text, /^- crun 1\.8\.1$/m);
    assert.match(text, /^\| life-cycle \| 2\.50 ms \| 10 crun \| 0\.250 x \| at most 0\.3 x: met \| {2}\|$/m);
    assert.equal(text.match(/all of it/g)?.length, 1);
  });
});
