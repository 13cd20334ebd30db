import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { withBench } from "./process-bench-fixture.ts";
import { agentObstacle, SeccompAgent } from "./seccomp-agent-fixture.ts";

const ENOMEDIUM = 123;

suite("a seccomp listener of an ordinary user", () => {
  for (const noNewPrivileges of [false, true]) {
    test(`answers for a container ${noNewPrivileges ? "without" : "with"} new privileges`, (t) => {
      const obstacle = agentObstacle();
      if (obstacle !== undefined) return t.skip(obstacle);
      return withBench(
        t,
        async (bench) => {
          const path = bench.path("agent.sock");
          await using agent = await SeccompAgent.listen(path, ENOMEDIUM);
          const { output } = await bench.run("mkdir /made 2>&1", {
            process: { noNewPrivileges },
            linux: {
              seccomp: {
                defaultAction: "SCMP_ACT_ALLOW",
                listenerPath: path,
                syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY" }],
              },
            },
          });
          assert.match(output, /made.*: No medium found/);
          await agent.hasStates(1);
        },
        { rootless: true },
      );
    });
  }
});
