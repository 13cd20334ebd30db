import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import type { Hook } from "@orlop/core";
import { withBench } from "./process-bench-fixture.ts";

suite("hooks of an ordinary user", () => {
  test("before the pivot are in the container's namespaces, and are told who init is there", (t) =>
    withBench(
      t,
      async (bench) => {
        const path = bench.path("told");
        const tell = `echo $(sed 's/.*"pid":\\([0-9]*\\).*/\\1/') $(id -u) $$ >${path}`;
        const hook: Hook = { path: "/bin/sh", args: ["sh", "-c", tell], env: ["PATH=/usr/bin:/bin"] };
        const { output } = await bench.run("cat /proc/self/status | grep ^Uid", {
          top: { hooks: { createContainer: [hook] } },
        });
        assert.match(output, /^Uid:\t0\t/);
        const [pid, uid, own = ""] = readFileSync(path, "utf8").trim().split(" ");
        assert.deepEqual([pid, uid], ["1", "0"]);
        assert.ok(Number(own) < 10, `${own} is a pid of the container's`);
      },
      { rootless: true },
    ));
});
