import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { ContainerDirectory } from "../process/container-directory.ts";
import { type ProcessBench, withBench } from "../process/process-bench-fixture.ts";
import { changeSchemata } from "./change-schemata.ts";
import { readResctrl } from "./read-resctrl.ts";
import { resctrlMount } from "./resctrl-mount.ts";

const FOREVER = "while :; do sleep 0.05; done";

/** Files with the names of resctrl's, for processors without: they keep what is written. A class `gold` is there. */
async function withFakeResctrl(t: TestContext, work: (bench: ProcessBench, root: string) => Promise<void>) {
  using directory = temporaryDirectory("orlop-resctrl-");
  const root = directory.path;
  const domain = join(root, "gold/mon_data/mon_L3_00");
  mkdirSync(domain, { recursive: true });
  writeFileSync(join(domain, "llc_occupancy"), "4096\n");
  writeFileSync(join(domain, "mbm_total_bytes"), "Unavailable\n");
  writeFileSync(join(root, "gold/tasks"), "");
  writeFileSync(join(root, "gold/schemata"), "L3:0=0f\nMB:0=100\n");
  await withBench(t, (bench) => work(bench, root), { resctrl: root });
}

suite("a container with resource director groups", () => {
  test("is a task of its class, and so are execs, which stays", (t) =>
    withFakeResctrl(t, async (bench, root) => {
      const [tasks, schemata] = [join(root, "gold/tasks"), join(root, "gold/schemata")];
      const linux = { intelRdt: { closID: "gold", l3CacheSchema: "L3:0=0f" } };
      const id = await bench.start(FOREVER, { linux });
      // A process of one thread moves itself.
      assert.deepEqual([readFileSync(tasks, "utf8"), readFileSync(schemata, "utf8")], ["0", "L3:0=0f\nMB:0=100\n"]);
      writeFileSync(tasks, "");
      assert.equal(await bench.exec(id, "e", "echo in"), "in\n");
      assert.equal(readFileSync(tasks, "utf8"), "0");
      const { resctrl } = new ContainerDirectory(join(bench.stateDirectory, id)).record(id);
      assert(resctrl !== undefined);
      changeSchemata(resctrl, { l3CacheSchema: "L3:0=03" });
      assert.deepEqual(readResctrl(resctrl), {
        schemata: ["L3:0=03", "MB:0=100"],
        domains: [{ llc_occupancy: 4096n }],
      });
      await bench.runtime.delete(id, { force: true });
      assert.ok(existsSync(schemata));
    }));

  test("leaves nothing where a group takes no tasks or no schemata", (t) =>
    withFakeResctrl(t, async (bench, root) => {
      for (const [intelRdt, message] of [
        [{}, /open .*\/tasks"/],
        [{ memBwSchema: "MB:0=20" }, /write "MB:0=20/],
      ] as const) {
        const request = bench.request("true", { linux: { intelRdt } });
        await assert.rejects(bench.runtime.run(request), { message, field: "linux.intelRdt" });
        assert.deepEqual(readdirSync(root), ["gold"]);
      }
    }));

  test("is refused where there are none", { skip: resctrlMount() !== undefined && "needs a machine without" }, (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("true", { linux: { intelRdt: { memBwSchema: "MB:0=20" } } });
      await assert.rejects(bench.runtime.run(request), { code: "unsupported", message: /resctrl is not mounted/ });
    }),
  );
});
