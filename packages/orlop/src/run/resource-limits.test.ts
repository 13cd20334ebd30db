import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import { readResourceLimits } from "./resource-limits.ts";
import { RUN_FLAGS } from "./run-flags.ts";

const MIB = 1024 * 1024;
const known = { memory: { limit: 64 * MIB, swap: 128 * MIB } };
const read = (...args: readonly string[]) => readResourceLimits(parseFlags(RUN_FLAGS, args), { cpuCount: 4 }, known);

test("limits are changed as those allow that hold already", () => {
  assert.deepEqual(read("--memory-swap", "256m"), { memory: { swap: 256 * MIB } });
  assert.deepEqual(read("-m", "100m", "--pids-limit", "0"), { memory: { limit: 100 * MIB }, pids: { limit: -1 } });
  assert.throws(() => read("-m", "256m"), { message: /should be smaller than already set memoryswap limit/ });
  assert.throws(() => read("--memory-swap", "32m"), { message: /Minimum memoryswap limit should be larger/ });
});
