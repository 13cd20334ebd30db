import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Program } from "@orlop/kernel";
import { callsOf, failAt } from "./faulty-program-fixture.ts";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** Where no mask can be copied. */
function withoutCopies(program: Program): Program {
  return callsOf(program, "open_tree", /^mask "/).reduce((each, index) => failAt(each, index, "EINVAL"), program);
}

suite("masked paths", () => {
  const paths = ["/absent", "/file-1", "/directory-1", "/directory-2", "/file-2", "/file-1/below", "/file-2"];
  const script = [
    "for f in file-1 file-2; do stat -c '%n %F %t:%T' /$f; cat /$f; done",
    "for d in directory-1 directory-2; do ls -A /$d; echo x 2>/dev/null >/$d/x || echo $d is read-only; done",
    "cut -d ' ' -f 4-6 /proc/self/mountinfo | grep -E '/(file|directory)'",
  ].join("; ");
  const seen = [
    ...["/file-1", "/file-2"].map((path) => `${path} character special file 1:3`),
    ...["directory-1", "directory-2"].map((name) => `${name} is read-only`),
  ];

  async function look(bench: ProcessBench, linux: object, maskedPaths = paths): Promise<string> {
    const { output } = await bench.run(script, { linux: { maskedPaths, ...linux } });
    return output;
  }

  for (const inUserNamespace of [false, true]) {
    test(`hide files and directories${inUserNamespace ? " in a user namespace" : ""}`, (t) =>
      withBench(t, async (bench) => {
        for (const number of [1, 2]) {
          writeFileSync(join(bench.rootfs, `file-${number}`), "secret\n");
          mkdirSync(join(bench.rootfs, `directory-${number}`));
          writeFileSync(join(bench.rootfs, `directory-${number}`, "secret"), "");
        }
        const ids = [{ containerID: 0, hostID: 0, size: 65_536 }];
        const namespaces = [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" } as const];
        const linux = inUserNamespace ? { namespaces, uidMappings: ids, gidMappings: ids } : {};
        const now = await look(bench, linux);
        assert.deepEqual(now.split("\n").slice(0, seen.length), seen);
        // Kernels before 6.15 copy only what is attached, and a mask that is left over is taken away when somebody waits.
        bench.mutate = withoutCopies;
        const once = await look(bench, linux, ["/absent", "/file-1", "/directory-1"]);
        for (const line of [seen[0], seen[2]]) assert.ok(line !== undefined && once.split("\n").includes(line), once);
        await assert.rejects(look(bench, linux), /Cannot mask "\/directory-2"/);
      }));
  }

  test("that are named twice are masked once", (t) =>
    withBench(t, async (bench) => {
      mkdirSync(join(bench.rootfs, "directory-1"));
      const twice = { maskedPaths: ["/directory-1", "/proc/keys", "/directory-1"] };
      const { output } = await bench.run("grep -c ' /directory-1 ' /proc/self/mountinfo", { linux: twice });
      assert.equal(output, "1\n");
    }));
});
