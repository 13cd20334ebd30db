import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { spawnMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const { SIGKILL, SIGTERM } = constants.signals;

/** Runs until it is told to end, and says when it is ready for that. */
const untilTerm = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";

/** For JSON, which has no large numbers. */
function textOf(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function rootless(t: TestContext, work: (bench: ProcessBench) => Promise<void>): Promise<void> {
  return withBench(t, work, { rootless: true });
}

suite("an ordinary user's container", () => {
  test("is created, started, waited for and deleted", (t) =>
    rootless(t, async (bench) => {
      const { runtime } = bench;
      const request = bench.request("id -u; cat /proc/self/uid_map /proc/self/setgroups; exit 7");
      assert.equal((await runtime.create(request)).status, "created");
      await runtime.start(request.id);
      assert.equal((await bounded("the wait", runtime.wait(request.id))).exitCode, 7);
      const [uid, map, setgroups] = bench.output(request.id).split("\n");
      assert.deepEqual([uid, setgroups], ["0", "deny"]);
      assert.deepEqual(map?.trim().split(/ +/), ["0", String(process.getuid?.()), "1"]);
      assert.equal((await runtime.state(request.id)).status, "stopped");
      await runtime.delete(request.id);
    }));

  test("has a user namespace below another one of the user's, and all that it has otherwise", (t) =>
    rootless(t, async (bench) => {
      const { runtime } = bench;
      const map = ["--user", "--map-user", String(process.getuid?.()), "--map-group", String(process.getgid?.())];
      const parent = spawn("unshare", [...map, "sh", "-c", "echo made; exec sleep 600"]);
      try {
        await once(parent.stdout, "data");
        const path = `/proc/${parent.pid}/ns/user`;
        const base = bench.request("id -u; cat /proc/self/uid_map /proc/self/setgroups; ip -o link | wc -l; sleep 600");
        const request = { ...base, userNamespaceParent: path };
        await runtime.create(request);
        await runtime.start(request.id);
        await until("it has written", () => bench.output(request.id).split("\n").length === 5 || undefined);
        const [uid, ids, setgroups, links] = bench.output(request.id).split("\n");
        assert.deepEqual([uid, setgroups, links], ["0", "deny", "1"]);
        assert.deepEqual(ids?.trim().split(/ +/), ["0", String(process.getuid?.()), "1"]);
        assert.notEqual(await bench.exec(request.id, "e", "readlink /proc/self/ns/user"), readlinkSync(path));
        await runtime.delete(request.id, { force: true });
        const { namespaces = [], ...linux } = request.spec.linux ?? {};
        const without = { ...linux, namespaces: namespaces.filter(({ type }) => type !== "user") };
        const refused = { ...request, spec: { ...request.spec, linux: without } };
        await assert.rejects(runtime.create(refused), { code: "invalid", message: /no user namespace of its own$/ });
      } finally {
        parent.kill("SIGKILL");
      }
    }));

  test("has namespaces, devices, masked and read-only paths as root's has", (t) =>
    rootless(t, async (bench) => {
      const script = [
        "echo pid $$; ip link show up | grep -c LOOPBACK; echo x >/dev/null && echo null",
        "cat /proc/kcore | wc -c; (echo 1 >/proc/sys/kernel/hostname) 2>/dev/null || echo read-only",
        "head -c 4 /dev/zero | wc -c; grep CapBnd /proc/self/status",
      ].join("; ");
      const { output } = await bench.run(script);
      const lines = output.split("\n");
      assert.deepEqual(lines.slice(0, 6), ["pid 1", "1", "null", "0", "read-only", "4"]);
    }));

  test("writes to its root file system as the user", (t) =>
    rootless(t, async (bench) => {
      await bench.run("echo written >/written");
      assert.equal(readFileSync(join(bench.rootfs, "written"), "utf8"), "written\n");
    }));

  test("has an overlay whose writes are thrown away", (t) =>
    rootless(t, async (bench) => {
      const rootfs = { kind: "overlay", lower: [bench.rootfs], writes: "discard" } as const;
      const { output } = await bench.run("echo written >/written; cat /written; rm /etc/passwd", {
        request: { rootfs },
      });
      assert.equal(output, "written\n");
      assert.match(readFileSync(join(bench.rootfs, "etc/passwd"), "utf8"), /^root:/);
    }));

  test("takes execs, with terminals too, and signals", (t) =>
    rootless(t, async (bench) => {
      const id = await bench.start(untilTerm);
      await bench.outputHas(id, "ready");
      assert.equal(
        await bench.exec(id, "e", "id -u; readlink /proc/self/ns/user"),
        `0\n${await bench.exec(id, "f", "readlink /proc/1/ns/user")}`,
      );
      const request = bench.execRequest(id, "t", "tty", { terminal: true });
      await bench.runtime.exec(request);
      await bounded("the wait", bench.runtime.wait(id, { execId: "t" }));
      assert.equal(bench.output("t"), "/dev/pts/0\r\n");
      await bench.runtime.signal(id, SIGTERM);
      assert.equal((await bounded("the wait", bench.runtime.wait(id))).exitCode, 9);
      await bench.runtime.delete(id);
    }));

  test("runs the small init, and a terminal", (t) =>
    rootless(t, async (bench) => {
      const init = await bench.run("echo $$; exit 4", { request: { init: true } });
      assert.deepEqual([init.exitCode, init.output], [4, "2\n"]);
      const terminal = await bench.run("tty; stty size", {
        process: { terminal: true, consoleSize: { height: 5, width: 6 } },
      });
      assert.equal(terminal.output, "/dev/pts/0\r\n5 6\r\n");
    }));

  test("is deleted by force, with all that it started", (t) =>
    rootless(t, async (bench) => {
      const id = await bench.start("sleep 1000 & sleep 1000");
      await bench.runtime.delete(id, { force: true });
      const created = bench.request("true");
      await bench.runtime.create(created);
      await bench.runtime.delete(created.id, { force: true });
      assert.deepEqual(await bench.runtime.list(), []);
    }));

  test("is refused with the reason, and leaves nothing", (t) =>
    rootless(t, async (bench) => {
      for (const [changes, expected] of [
        [{ process: { args: ["/no/such/program"] } }, { code: "executable-not-found" }],
        [
          { process: { user: { uid: 1000, gid: 0 } } },
          { code: "invalid", message: /^Cannot become user 1000: invalid argument/ },
        ],
        [
          { process: { user: { uid: 0, gid: 0, additionalGids: [5] } } },
          { code: /^(denied|invalid|unsupported)$/, message: /additionalGids|groups/ },
        ],
        [{ linux: { resources: { memory: { limit: 1n << 26n } } } }, { message: /^Cannot .*(cgroup|memory)/ }],
      ] as const) {
        const attempt = bench.start("true", changes);
        const error = await bounded("the refusal", attempt).then(
          () => assert.fail(`${JSON.stringify(changes, textOf)} was not refused`),
          (reason: Error & { code: string }) => reason,
        );
        assert.match(error.message, "message" in expected ? expected.message : /^Cannot /);
        if ("code" in expected) assert.match(error.code, new RegExp(expected.code));
      }
      assert.deepEqual(await bench.runtime.list(), []);
    }));

  test("ends with the process that made it, or outlives it when detached", (t) =>
    rootless(t, async (bench) => {
      const requests = [false, true].map((detached) => bench.request("sleep 1000", { request: { detached } }));
      const [own, detached] = requests.map(({ id }) => id) as [string, string];
      const maker = await spawnMaker({ root: bench.stateDirectory, requests, upTo: "run" });
      await maker.kill();
      await until("the end of its own", async () =>
        (await bench.runtime.state(own)).status === "stopped" ? true : undefined,
      );
      assert.equal((await bench.runtime.state(detached)).status, "running");
      const waiting = bench.runtime.wait(detached);
      await bench.runtime.signal(detached, SIGKILL);
      assert.equal((await bounded("the wait", waiting)).signal, SIGKILL);
      for (const id of [own, detached]) await bench.runtime.delete(id);
    }));

  test("cannot reach what its user could not", (t) =>
    rootless(t, async (bench) => {
      writeFileSync(bench.path("own"), "mine\n");
      const mounts = [
        ...(bench.spec([]).mounts ?? []),
        { destination: "/mnt/shadow", source: "/etc/shadow", options: ["bind"] },
        { destination: "/mnt/own", source: bench.path("own"), options: ["bind", "ro"] },
      ];
      const { output } = await bench.run("cat /mnt/own; cat /mnt/shadow 2>/dev/null || echo denied", {
        top: { mounts },
      });
      assert.equal(output, "mine\ndenied\n");
    }));
});
