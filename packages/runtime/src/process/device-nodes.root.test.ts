import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { LinuxDevice } from "@orlop/core";
import { callsOf, refuseFirst } from "./faulty-program-fixture.ts";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

const ids = [{ containerID: 0, hostID: 100_000, size: 1000 }];

/** What stands at /dev/odd in a container with a user namespace of its own. */
async function look(bench: ProcessBench, device: Partial<LinuxDevice>, path = "/dev/odd"): Promise<string> {
  const script = `stat -c '%F %t:%T %a %u:%g' ${path}; mount | grep -c " on ${path} "`;
  const { output } = await bench.run(script, {
    linux: {
      namespaces: [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" }],
      uidMappings: ids,
      gidMappings: ids,
      devices: [{ path, type: "c", major: 1, minor: 3, ...device }],
    },
  });
  return output;
}

suite("a device in a user namespace", () => {
  test("need not be one of the host's, and belongs to whom the config says", (t) =>
    withBench(t, async (bench) => {
      const seen = await look(bench, { fileMode: 0o640, uid: 10, gid: 11 });
      assert.equal(seen, "character special file 1:3 640 10:11\n1\n");
      const block = await look(bench, { type: "b", major: 7, minor: 300 });
      assert.equal(block, "block special file 7:12c 666 0:0\n1\n");
    }));

  test("whose owner is not mapped is nobody's", (t) =>
    withBench(t, async (bench) => {
      assert.match(await look(bench, { uid: 5000, gid: 5000 }), /^character special file 1:3 666 65534:65534$/m);
    }));

  test("is the host's where nobody here may make one", (t) =>
    withBench(t, async (bench) => {
      bench.mutate = (program) => refuseFirst(program, callsOf(program, "mknodat", /to be bound$/));
      const seen = await look(bench, { minor: 5, uid: 10, gid: 10 }, "/dev/zero");
      assert.match(seen, /^character special file 1:5 666 /);
      assert.doesNotMatch(seen, / 10:10$/m);
    }));
});
