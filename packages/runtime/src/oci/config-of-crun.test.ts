import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeRuntimeSpec, defaultSpec } from "@orlop/core";
import { runtimeSpecText } from "@orlop/testkit";
import { decodeConfigOfCrun } from "./config-of-crun.ts";

function configOf(...args: readonly unknown[]): Buffer {
  const spec = defaultSpec();
  return Buffer.from(runtimeSpecText({ ...spec, process: { ...spec.process, args } } as typeof spec));
}

suite("a config for callers of crun", () => {
  test("may have numbers among the arguments, which are taken by their digits, and nothing else", () => {
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const { process } = decodeConfigOfCrun(configOf("sleep", 1000, "x"), warn);
    assert.deepEqual(process?.args, ["sleep", "1000", "x"]);
    assert.deepEqual(warnings, ["process.args[1] is 1000, a number, and taken for a string"]);
    assert.throws(() => decodeRuntimeSpec(configOf("sleep", 1000)), { code: "invalid", field: "process.args[1]" });
    for (const arg of [true, null, {}, ["a"]]) {
      assert.throws(() => decodeConfigOfCrun(configOf("sleep", 5, arg), warn), { field: "process.args[2]" });
    }
    const other = Buffer.from(runtimeSpecText({ ...defaultSpec(), hostname: 5 } as never));
    assert.throws(() => decodeConfigOfCrun(other, warn), { code: "invalid", field: "hostname" });
  });
});
