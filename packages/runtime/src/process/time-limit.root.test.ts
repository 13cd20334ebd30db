import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { bounded, withBench } from "./process-bench-fixture.ts";

suite("a limit of time", () => {
  test("begins with the start, and ends a container whose maker has gone and that hears no signals", (t) =>
    withBench(t, async (bench) => {
      const limited = bench.request("trap '' TERM; echo up; while :; do sleep 0.02; done");
      await bench.runtime.create({ ...limited, detached: true, timeLimitMs: 500 });
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal((await bench.runtime.state(limited.id)).status, "created");
      await bench.runtime.start(limited.id);
      const other = bench.another();
      bench.runtime.close();
      assert.equal((await bounded("the wait", other.wait(limited.id))).exitCode, 137);
      assert.equal(bench.output(limited.id), "up\n");
      await other.delete(limited.id);
    }));

  test("is none for what ends sooner, at a terminal, too", (t) =>
    withBench(t, async (bench) => {
      for (const terminal of [false, true]) {
        const request = { ...bench.request("exit 3", { process: { terminal } }), timeLimitMs: 60_000 };
        await bench.runtime.run(request);
        assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 3);
        await bench.runtime.delete(request.id);
      }
    }));
});
