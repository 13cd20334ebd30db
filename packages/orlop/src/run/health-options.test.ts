import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ImageHealthcheck } from "@orlop/core";
import { parseHealthInstruction } from "../commit/health-instruction.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { containerConfig } from "./container-config.ts";
import { readHealthOptions } from "./health-options.ts";
import { RUN_FLAGS } from "./run-flags.ts";

const read = (...args: readonly string[]): ImageHealthcheck | undefined =>
  readHealthOptions(parseFlags(RUN_FLAGS, args));

describe("flags for health", () => {
  test("say what is executed and when, in nanoseconds", () => {
    assert.equal(read(), undefined);
    const times = ["--health-interval=1m30s", "--health-timeout=1.5s", "--health-start-period=0", "--health-retries=5"];
    assert.deepEqual(read("--health-cmd", "curl -f localhost", ...times), {
      Test: ["CMD-SHELL", "curl -f localhost"],
      Interval: 90e9,
      Timeout: 1.5e9,
      StartPeriod: 0,
      Retries: 5,
    });
  });

  test("go before what the image says, one by one", () => {
    const image = { Healthcheck: { Test: ["CMD", "probe"], Interval: 1e9, Retries: 2 }, Shell: ["/bin/bash", "-c"] };
    const request = { command: [], entrypoint: undefined, variables: [], user: undefined, workdir: undefined };
    assert.deepEqual(containerConfig({ ...request, health: { Retries: 4 } }, image), {
      Healthcheck: { Test: ["CMD", "probe"], Interval: 1e9, Retries: 4 },
      Shell: ["/bin/bash", "-c"],
    });
    const none = read("--no-healthcheck");
    assert.ok(none !== undefined);
    assert.deepEqual(containerConfig({ ...request, health: none }, image).Healthcheck?.Test, ["NONE"]);
  });

  const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [["--no-healthcheck", "--health-cmd", "true"], /conflicts with --health-\* options/],
    [["--health-interval", "10us"], /it cannot be less than 1ms/],
    [["--health-timeout=-1s"], /it is a duration/],
    [["--health-retries=-1"], /it cannot be negative/],
  ];
  for (const [args, message] of refused) {
    test(`are refused: ${args.join(" ")}`, () => {
      assert.throws(() => read(...args), { code: "invalid", message });
    });
  }
});

test("an instruction of a Dockerfile says the same", () => {
  assert.deepEqual(parseHealthInstruction("none"), { Test: ["NONE"] });
  assert.deepEqual(parseHealthInstruction('--interval=5s --retries=2 CMD ["probe", "-x"]'), {
    Test: ["CMD", "probe", "-x"],
    Interval: 5e9,
    Retries: 2,
  });
  assert.deepEqual(parseHealthInstruction("CMD curl -f localhost || exit 1"), {
    Test: ["CMD-SHELL", "curl -f localhost || exit 1"],
  });
});
