import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Program } from "@orlop/kernel";
import { callsOf, refuseFirst } from "./faulty-program-fixture.ts";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** As on a kernel before 6.15: of a mount that is attached nowhere there is no copy. */
function likeOlderKernels(program: Program): Program {
  const copies = callsOf(program, "open_tree", /^mask "/);
  // Each path may take a copy of either mask.
  const ofDirectory = copies.filter((_, index) => index % 2 === 0);
  const ofFile = copies.filter((_, index) => index % 2 === 1);
  return refuseFirst(program, ofDirectory, ofFile);
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

  async function look(bench: ProcessBench, linux: object): Promise<string> {
    const { output } = await bench.run(script, { linux: { maskedPaths: paths, ...linux } });
    return output;
  }

  for (const inUserNamespace of [false, true]) {
    test(`hide files and directories${inUserNamespace ? " in a user namespace" : ""}, on older kernels alike`, (t) =>
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
        bench.mutate = likeOlderKernels;
        assert.equal(await look(bench, linux), now);
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
