import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { namedProjects } from "./named-projects.ts";

test("projects that an administrator has named are known by their numbers", async () => {
  await withTemporaryDirectory((directory) => {
    const [projid, projects] = [join(directory, "projid"), join(directory, "projects")];
    writeFileSync(projid, "# names\nlogs:11\nmail:12\nbroken\n");
    writeFileSync(projects, "11:/var/log\n13:/srv\n# 14:/none\n");
    assert.deepEqual([...namedProjects([projid, projects, join(directory, "missing")])].sort(), [11, 12, 13]);
  });
});
