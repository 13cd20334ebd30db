import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseBenchOptions } from "./bench-options.ts";

const known = ["life-cycle", "exec"];

describe("the options of npm run bench", () => {
  test("are thirty rounds of everything when nothing is said", () => {
    assert.deepEqual(parseBenchOptions([], known), { json: false, write: false, rounds: 30, groups: [] });
  });

  test("name measurements, rounds and the output", () => {
    const options = parseBenchOptions(["--json", "-n", "100", "exec"], known);
    assert.deepEqual(options, { json: true, write: false, rounds: 100, groups: ["exec"] });
    assert.equal(parseBenchOptions(["--quick"], known).rounds, 10);
  });

  test("are refused when they mean nothing", () => {
    const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["exce"], /^Cannot measure "exce": the measurements are life-cycle, exec$/],
      [["--jsn"], /^Cannot read options: .*\nTry npm run bench/],
      [["-n", "0"], /^Cannot measure "0" rounds/],
      [["-n", "1e9"], /^Cannot measure "1e9" rounds/],
      [["-n", "5", "--quick"], /exclude each other$/],
      [["--write", "exec"], /^Cannot write docs\/benchmarks\.md: it holds all measurements, not some$/],
    ];
    for (const [args, message] of refused)
      assert.throws(() => parseBenchOptions(args, known), { code: "invalid", message });
  });
});
