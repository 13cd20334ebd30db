import assert from "node:assert/strict";
import { test } from "node:test";
import { missingPrograms } from "./missing-programs.ts";

test("what is missing is said once, with the command that installs it", () => {
  const programs = [
    { name: "orlop-lacks-a", package: "a-tools" },
    { name: "orlop-lacks-b", package: "a-tools" },
    { name: "sh", package: "dash" },
  ];
  assert.equal(
    missingPrograms(programs),
    "needs orlop-lacks-a, orlop-lacks-b: apt-get install --no-install-recommends a-tools",
  );
  assert.equal(missingPrograms(programs.slice(2)), undefined);
});
