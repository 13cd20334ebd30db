import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { OrlopError } from "@orlop/core";
import { until, withBench } from "../process/process-bench-fixture.ts";
import { LocalHands } from "./local-hands.ts";
import type { OciCreate } from "./oci-containers.ts";
import { OrphanContainers } from "./orphan-containers.ts";

suite("a container that is deleted while it is made", () => {
  test("is refused to who makes it, and its init does not stay", (t) =>
    withBench(t, async (bench) => {
      const root = bench.makeDirectory("orphans");
      const hands = new LocalHands();
      const said: string[] = [];
      const options = { root, hands, cgroupDriver: "cgroupfs", rootless: undefined, callerPid: process.pid } as const;
      const quiet = { env: {}, warn: (text: string) => void said.push(text), debug: () => {} };
      const containers = new OrphanContainers({ ...options, ...quiet });
      try {
        for (const doing of ["create", "run"] as const) {
          const { id, bundle, spec } = bench.request("sleep 1000");
          let init = 0;
          const request: OciCreate = {
            id,
            bundle,
            spec: { ...spec, process: { ...spec.process, terminal: false } } as OciCreate["spec"],
            directories: [],
            preserveFds: 0,
            keepGroups: false,
            noPivot: false,
            noNewKeyring: false,
            // As a deletion leaves it that began before init was known.
            announce: (pid) => {
              init = pid;
              rmSync(join(root, id), { recursive: true });
            },
          };
          const attempt =
            doing === "create"
              ? containers.create(request)
              : containers.run({ ...request, keep: false, subreaper: true });
          await assert.rejects(attempt, (error: OrlopError) => error.code === "not-found", doing);
          assert.ok(init > 0);
          // Whoever gets it as an orphan may take a moment to hear of its end.
          await until(`the end of the init of what is to ${doing}`, () =>
            existsSync(`/proc/${init}`) ? undefined : true,
          );

          assert.equal(existsSync(join(root, id)), false);
        }
      } finally {
        hands.close();
      }
    }));
});
