import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { calledAs } from "./called-as.ts";

suite("the words of the script", () => {
  test("are the launcher's home, the directory of the command, and the call as it was", () => {
    const call = calledAs(["/cache/x", "/usr/bin", "run", ":--bundle", "/b", "::x", "id"]);
    assert.deepEqual(call, { home: "/cache/x", bin: "/usr/bin", words: ["run", "--bundle", "/b", ":x", "id"] });
  });

  test("name the directory by the link in the launcher's home, or by itself", async () => {
    await withTemporaryDirectory((home) => {
      const bin = join(home, "bin");
      symlinkSync("/opt/orlop/bin", bin);
      assert.equal(calledAs([home, bin]).bin, "/opt/orlop/bin");
      mkdirSync(join(home, "package/bin"), { recursive: true });
      assert.equal(calledAs([join(home, "package"), join(home, "package/bin")]).bin, join(home, "package/bin"));
    });
  });
});
