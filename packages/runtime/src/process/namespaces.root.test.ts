import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { suite, test } from "node:test";
import { withBench } from "./process-bench-fixture.ts";

suite("a time namespace", () => {
  for (const inUserNamespace of [false, true]) {
    test(`has its offsets${inUserNamespace ? " in a user namespace, too" : ""}`, async (t) => {
      if (!existsSync("/proc/self/ns/time")) return t.skip("needs a kernel with time namespaces");
      await withBench(t, async (bench) => {
        const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        const user = inUserNamespace ? [{ type: "user" } as const] : [];
        const namespaces = [...(bench.spec([]).linux?.namespaces ?? []), { type: "time" } as const, ...user];
        const timeOffsets = { boottime: { secs: 86_400, nanosecs: 7 } };
        const maps = inUserNamespace ? { uidMappings: ids, gidMappings: ids } : {};
        const rootfs = { kind: "overlay", lower: [bench.rootfs], writes: "discard" } as const;
        const { output } = await bench.run("cat /proc/self/timens_offsets", {
          linux: { namespaces, timeOffsets, ...maps },
          request: { rootfs },
        });
        assert.match(output, /^boottime +86400 +7$/m);
      });
    });
  }
});
