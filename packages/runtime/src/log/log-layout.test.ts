import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verifyProgram } from "@orlop/kernel";
import { compilePump } from "./compile-pump.ts";
import { logBytes } from "./log-bytes-fixture.ts";
import { LENGTH_OPEN, LOG_RECORD } from "./log-layout.ts";
import { PumpBench } from "./log-pump-fixture.ts";
import { decodeLogRecord } from "./log-record.ts";

/** What a pump writes for one line, the end of the run, and nothing else; a row is a header or what follows one. */
const GOLDEN = [
  // begin: checkpoint 48, previous 48
  "4f4c4f47 00000000 10000000 00000000 ................ ................",
  "30000000 00000000 30000000 00000000",
  // start
  "4f4c4f47 03000000 00000000 30000000 ................ ................",
  // stdout, "hello\n" and two bytes of padding
  "4f4c4f47 01000000 06000000 20000000 ................ ................",
  "68656c6c 6f0a0000",
  // end
  "4f4c4f47 05000000 00000000 28000000 ................ ................",
];

test("the pump writes these bytes", async () => {
  await using bench = new PumpBench();
  const pump = await bench.start({ terminal: true });
  const out = bench.writer();
  await out.write("hello\n");
  out.close();
  await pump.ended;
  const bytes = readFileSync(bench.file);
  assert.match(bytes.toString("hex"), new RegExp(`^${GOLDEN.join("").replaceAll(" ", "")}$`));
  const made = logBytes([{ kind: "start" }, { kind: "stdout", data: "hello\n" }, { kind: "end" }]);
  for (const at of [0, 48, 80, 120]) {
    const [ours, theirs] = [made, bytes].map((each) => each.subarray(at, at + LOG_RECORD.fields.seconds.offset));
    assert.deepEqual(ours, theirs, "what the tests make is the same");
  }
});

test("a header is decoded, and what is none is not", () => {
  const [bytes] = [logBytes([{ kind: "stderr", data: "x", seconds: 5, length: LENGTH_OPEN }]).subarray(48)];
  assert(bytes !== undefined);
  assert.deepEqual(decodeLogRecord(bytes), { kind: 2, length: LENGTH_OPEN, previous: 48, timeNs: 5_000_000_000n });
  assert.equal(decodeLogRecord(bytes.subarray(0, 31)), undefined);
  for (const [at, value] of [
    [0, 0],
    [4, 7],
    [20, 0x7fffffff],
    [28, 1],
  ] as const) {
    const broken = Buffer.from(bytes);
    broken.writeUInt32LE(value, at);
    assert.equal(decodeLogRecord(broken), undefined, `${value} at ${at}`);
  }
});

test("the program of a pump is small, on every architecture", () => {
  const plan = { directory: "/d", file: "/l/log", stdin: true, terminal: false, resume: true, maxFiles: 5 };
  for (const architecture of ["x86_64", "aarch64"] as const) {
    const program = compilePump({ ...plan, architecture, maxSizeBytes: 1e6 });
    verifyProgram(program, { loadAddress: 0x40000 });
    assert.ok(program.instructions.length < 320, `${program.instructions.length} instructions`);
  }
});
