import assert from "node:assert/strict";
import { chownSync, existsSync, mkdirSync, readlinkSync } from "node:fs";
import { uptime } from "node:os";
import { suite, test } from "node:test";
import { bounded, withBench } from "./process-bench-fixture.ts";

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
        const script = "read up rest </proc/uptime; echo $up; cat /proc/self/timens_offsets; echo ready; sleep 1000";
        const before = Math.floor(uptime());
        const id = await bench.start(script, { linux: { namespaces, timeOffsets, ...maps }, request: { rootfs } });
        await bench.outputHas(id, "ready");
        const [up, ...lines] = bench.output(id).split("\n");
        // The shell has read it itself: init is in the namespace, and not only what it starts.
        assert.ok(Number(up) >= 86_400 + before, `${up} s, after ${before} s here`);
        assert.match(lines.join("\n"), /^boottime +86400 +7$/m);
        assert.match(await bench.exec(id, "e", "cat /proc/self/timens_offsets"), /^boottime +86400 +7$/m);
        await bench.runtime.delete(id, { force: true });
      });
    });
  }
});

suite("a user namespace that exists", () => {
  test("maps the owners of a mount that names no mappings", (t) =>
    withBench(t, async (bench) => {
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      const own = bench.spec([]).linux?.namespaces ?? [];
      const owner = await bench.start("sleep 1000", {
        linux: { namespaces: [...own, { type: "user" }], uidMappings: ids, gidMappings: ids },
      });
      const { pid } = await bench.runtime.state(owner);
      const source = bench.path("source");
      mkdirSync(source);
      chownSync(source, 5, 6);
      const bind = { destination: "/tmp", source, options: ["bind", "idmap"] };
      // Of a joined user namespace: neither the mount nor the config says what is mapped to what.
      const namespaces = [...own, { type: "user", path: `/proc/${pid}/ns/user` } as const];
      const { output } = await bench.run("stat -c %u:%g /tmp", {
        linux: { namespaces },
        top: { mounts: [...(bench.spec([]).mounts ?? []), bind] },
      });
      assert.equal(output, "5:6\n");
      await bench.runtime.delete(owner, { force: true });
    }));

  test("may be entered together with namespaces that do not belong to it", (t) =>
    withBench(t, async (bench) => {
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      const own = bench.spec([]).linux?.namespaces ?? [];
      const owner = await bench.start("sleep 1000", {
        linux: { namespaces: [...own, { type: "user" }], uidMappings: ids, gidMappings: ids },
      });
      const other = await bench.start("sleep 1000");
      const pids = [owner, other].map(async (id) => (await bench.runtime.state(id)).pid);
      const [ownerPid, otherPid] = await Promise.all(pids);
      const namespaces = own
        .filter(({ type }) => type !== "network")
        .concat(
          { type: "network", path: `/proc/${otherPid}/ns/net` },
          { type: "user", path: `/proc/${ownerPid}/ns/user` },
        );
      // A sysfs shows the network namespace, and only who owns that may mount one.
      const mounts = (bench.spec([]).mounts ?? []).filter(({ type }) => type !== "sysfs" && type !== "cgroup");
      const look = "for name in user net; do readlink /proc/self/ns/$name; done";
      const id = await bench.start(`${look}; sleep 1000`, {
        linux: { namespaces, maskedPaths: [], readonlyPaths: [] },
        top: { mounts },
      });
      await bench.outputHas(id, "net:");
      const wanted = [`/proc/${ownerPid}/ns/user`, `/proc/${otherPid}/ns/net`].map((path) => `${readlinkSync(path)}\n`);
      assert.equal(bench.output(id), wanted.join(""));
      await bench.runtime.exec(bench.execRequest(id, "e", look));
      await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
      assert.equal(bench.output("e"), wanted.join(""));
      for (const each of [id, other, owner]) await bench.runtime.delete(each, { force: true });
    }));
});

suite("a cgroup namespace that exists", () => {
  for (const inUserNamespace of [false, true]) {
    const where = inUserNamespace ? ", also together with a user namespace" : "";
    test(`is init's, and that of execs, who count in their own cgroup${where}`, (t) =>
      withBench(t, async (bench) => {
        const own = (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => type !== "cgroup");
        const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        const user = inUserNamespace ? [{ type: "user" } as const] : [];
        const maps = inUserNamespace ? { uidMappings: ids, gidMappings: ids } : {};
        const ownersNamespaces = [...own, { type: "cgroup" } as const, ...user];
        const owner = await bench.start("sleep 1000", { linux: { namespaces: ownersNamespaces, ...maps } });
        const { pid } = await bench.runtime.state(owner);
        const joined = (["cgroup", "user"] as const).slice(0, 1 + user.length);
        const namespaces = [...own, ...joined.map((type) => ({ type, path: `/proc/${pid}/ns/${type}` }))];
        const id = await bench.start("readlink /proc/self/ns/cgroup; sleep 1000", { linux: { namespaces } });
        const namespace = `${readlinkSync(`/proc/${pid}/ns/cgroup`)}\n`;
        await bench.outputHas(id, namespace);
        assert.equal(await bench.exec(id, "e", "readlink /proc/self/ns/cgroup"), namespace);
        assert.deepEqual([...(await bench.runtime.pids(owner))], [pid]);
        const { pid: second } = await bench.runtime.state(id);
        assert.ok((await bench.runtime.pids(id)).includes(second ?? 0));
        for (const each of [id, owner]) await bench.runtime.delete(each, { force: true });
      }));
  }
});
