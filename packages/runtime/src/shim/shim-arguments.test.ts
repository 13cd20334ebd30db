import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readShimArguments } from "./shim-arguments.ts";

describe("the command line of the shim", () => {
  test("is read as containerd writes it", () => {
    const words =
      "-namespace ns -address /run/c.sock -publish-binary /usr/bin/containerd -id one -bundle /b -debug delete";
    assert.deepEqual(readShimArguments(words.split(" ")), {
      action: "delete",
      namespace: "ns",
      address: "/run/c.sock",
      id: "one",
      bundle: "/b",
    });
  });

  test("takes flags as Go's programs do", () => {
    const { action, namespace, id } = readShimArguments(["--namespace=a=b", "-id", "", "start"]);
    assert.deepEqual([action, namespace, id], ["start", "a=b", ""]);
    for (const [word, asked] of [
      ["-v", "version"],
      ["--version", "version"],
      ["-info", "info"],
      ["-h", "help"],
    ] as const) {
      assert.equal(readShimArguments([word, "-namespace", "x"]).action, asked);
    }
  });

  for (const [what, words] of [
    ["another flag", ["-socket", "/s", "start"]],
    ["a flag without its value", ["-id"]],
    ["a switch with a value", ["-debug=yes", "start"]],
    ["another action", ["serve"]],
    ["no action", ["-id", "one"]],
    ["words behind the action", ["start", "-id", "one"]],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => readShimArguments(words), { code: "invalid", message: /^Cannot use argument "/ });
    });
  }
});
