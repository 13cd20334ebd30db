import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { bounded, rootObstacle, until } from "../../process/process-bench-fixture.ts";
import { CommandBench, type RunningCall, withCommand } from "./command-bench-fixture.ts";

/** What a process holds: descriptors, by what they are, and children. */
function holdings(pid: number): readonly string[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/g, "N")];
    } catch {
      return [];
    }
  });
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return [...descriptors.sort(), children];
}

suite("the resident process", () => {
  test("holds on to nothing of the calls that it has served", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(["/bin/true"]);
      const run = async (): Promise<void> => {
        assert.equal((await bench.callServed(["run", "--bundle", path, id])).status, 0);
        assert.equal((await bench.callServed(["run", "--bundle", "/nowhere", id])).status, 1);
      };
      await run();
      const { resident } = bench;
      // A socket is closed after the call that it was for.
      const before = await until("an end of all calls", () => {
        const held = holdings(resident);
        return held.filter((each) => each.startsWith("socket")).length === 1 ? held : undefined;
      });
      await Promise.all(Array.from({ length: 10 }, (_, index) => bench.callServed(["state", `none-${index}`])));
      for (let count = 0; count < 10; count++) await run();
      await until("what it held before", () =>
        JSON.stringify(holdings(resident)) === JSON.stringify(before) ? true : undefined,
      );
    });
  });

  test("follows a container for its callers, as long as both are there", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(["/bin/sleep", "1000"]);
      assert.equal((await bench.callServed(["run", "--detach", "--bundle", path, id])).status, 0);
      const { resident } = bench;
      const before = await until("an end of all calls", () => {
        const held = holdings(resident);
        return held.filter((each) => each.startsWith("socket")).length === 1 ? held : undefined;
      });
      const follow = async (): Promise<RunningCall> => {
        const call = bench.startServed(["events", "--interval", "10ms", id]);
        await until("two readings", () => (call.said().stdout.split("\n").length > 2 ? true : undefined));
        return call;
      };
      const [killed, following] = [await follow(), await follow()];
      killed.child.kill("SIGTERM");
      assert.equal((await bounded("the end of what was killed", killed.ended)).signal, "SIGTERM");
      assert.equal((await bench.callServed(["delete", "--force", id])).status, 0);
      const { status, stdout, stderr } = await bounded("the end of the events", following.ended);
      assert.deepEqual([status, stderr], [0, ""]);
      const lines = stdout.trimEnd().split("\n");
      assert.deepEqual([...new Set(lines.map((line) => JSON.parse(line).type))], ["stats"]);
      await until("what it held before", () =>
        JSON.stringify(holdings(resident)) === JSON.stringify(before) ? true : undefined,
      );
    });
  });

  test("leaves when its code has changed, and the next one is of the new code", async (t) => {
    const obstacle = rootObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await using bench = new CommandBench("copied");
    await bench.warm();
    const { resident } = bench;
    const now = new Date();
    utimesSync(join(bench.bin, "../src/oci/verbs/run.ts"), now, now);
    await until("its end", () => (bench.residents().includes(resident) ? undefined : true));
    await bench.warm();
    assert.notEqual(bench.resident, resident);
  });
});
