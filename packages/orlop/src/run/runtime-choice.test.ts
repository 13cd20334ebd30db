import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseRuntime, runtimeName } from "./runtime-choice.ts";

describe("the choice of a runtime", () => {
  for (const text of [
    "process",
    "oci:runc",
    "oci:/opt/my runtimes/crun",
    "shim:io.containerd.runc.v2",
    "shim:/bin/shim",
  ]) {
    test(`is read, and written as it was: ${text}`, () => assert.equal(runtimeName(parseRuntime(text)), text));
  }

  for (const text of ["", "runc", "oci:", "shim:", "oci:../runc", "oci:a b", "vm", "OCI:runc", "process:x"]) {
    test(`is refused: ${JSON.stringify(text)}`, () => assert.throws(() => parseRuntime(text), { code: "invalid" }));
  }
});
