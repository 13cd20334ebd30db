import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { ConsoleReceiver, receiverObstacle } from "../process/console-receiver-fixture.ts";
import { until } from "../process/process-bench-fixture.ts";
import { ProcessRuntime } from "../process/process-runtime.ts";
import { COUNTER, ECHO, withCriu } from "./criu-bench-fixture.ts";

suite("a checkpoint and its restore", () => {
  test("put a container back as it was", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      assert.equal(await bench.ask("a"), "1 a");
      await bench.checkpoint(request);
      await assert.rejects(bench.containers.state(request.id), { code: "not-found" });
      const state = await bench.restore(request);
      assert.equal(state.status, "running");
      assert.equal(await bench.ask("b"), "2 b");
      assert.deepEqual(await bench.containers.pids(request.id), [state.pid]);
    }));

  test("leave a container that everything can be done with", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      await bench.checkpoint(request);
      const pidFile = bench.path("pid");
      const { pid } = await bench.restore(request, { announce: (told) => writeFileSync(pidFile, `${told}`) });
      assert.equal(Number(readFileSync(pidFile, "utf8")), pid);
      await bench.containers.pause(request.id);
      assert.equal(await bench.status(request), "paused");
      await bench.containers.resume(request.id);
      const process = {
        args: ["sh", "-c", "readlink /proc/self/ns/time >/answer"],
        cwd: "/",
        user: { uid: 0, gid: 0 },
      };
      const options = { preserveFds: 0, keepGroups: false, ignorePaused: false };
      await bench.containers.exec({ id: request.id, process, ...options });
      const answer = join(bench.rootfs, "answer");
      const found = await until("the answer of the exec", () => filledText(answer));
      assert.equal(found, execFileSync("readlink", [`/proc/${pid}/ns/time`], { encoding: "utf8" }));
    }));

  test("can be had again and again, also of a container that goes on", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      await bench.ask("a");
      await bench.checkpoint(request, { leaveRunning: true });
      assert.equal(await bench.status(request), "running");
      assert.equal(await bench.ask("b"), "2 b");
      await bench.remove(request.id);
      await bench.restore(request);
      assert.equal(await bench.ask("c"), "2 c");
      await bench.checkpoint(request);
      await bench.restore(request);
      assert.equal(await bench.ask("d"), "3 d");
    }));

  test("leave a paused container paused", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      await bench.containers.pause(request.id);
      await bench.checkpoint(request, { leaveRunning: true });
      assert.equal(await bench.status(request), "paused");
      await bench.containers.resume(request.id);
      assert.equal(await bench.ask("a"), "1 a");
    }));

  test("need less after a dump of the memory alone", (t) =>
    withCriu(
      t,
      async (bench) => {
        const request = await bench.start(COUNTER);
        await bench.ask("a");
        await bench.checkpoint(request, { preDump: true, imagePath: bench.path("before") });
        assert.equal(await bench.ask("b"), "2 b");
        await bench.checkpoint(request, { parentPath: "../before" });
        await bench.restore(request);
        assert.equal(await bench.ask("c"), "3 c");
      },
      "mem_dirty_track",
    ));

  test("keep a connection that is established", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(ECHO, { process: { env: ["PATH=/bin"] } });
      assert.equal(await bench.ask("a"), "a");
      await assert.rejects(bench.checkpoint(request), { code: "failed", message: /--tcp-established/ });
      assert.equal(await bench.ask("b"), "b");
      await bench.checkpoint(request, { tcpEstablished: true });
      await bench.restore(request, { tcpEstablished: true });
      assert.equal(await bench.ask("c"), "c");
    }));

  test("know what was mounted from outside, whatever way leads there", (t) =>
    withCriu(t, async (bench) => {
      for (const name of ["data", "data/below", "elsewhere"]) mkdirSync(bench.path(name));
      writeFileSync(bench.path("file"), "from outside\n");
      symlinkSync("real", join(bench.rootfs, "link"));
      mkdirSync(join(bench.rootfs, "real"));
      const bind = (source: string, destination: string, ...options: string[]) =>
        ({ type: "bind", source: bench.path(source), destination, options: ["rbind", ...options] }) as const;
      const { mounts = [] } = bench.spec("x", "", {});
      const more = [
        { type: "tmpfs", source: "tmpfs", destination: "/memory" },
        ...[bind("data", "/link/data"), bind("file", "/etc/file", "ro"), bind("elsewhere", "/memory/inside")],
        { type: "tmpfs", source: "tmpfs", destination: "/link/data/below" },
      ];
      const script = `echo kept >/memory/x; ${COUNTER.replace("$line", "$(cat /etc/file /memory/x /link/data/x | tr '\\n' ' ')")}`;
      const request = await bench.start(script, { top: { mounts: [...mounts, ...more] } });
      writeFileSync(bench.path("data/x"), "before\n");
      assert.equal(await bench.ask("a"), "1 from outside kept before");
      await bench.checkpoint(request);
      writeFileSync(bench.path("data/x"), "after\n");
      const { pid } = await bench.restore(request);
      assert.equal(await bench.ask("b"), "2 from outside kept after");
      const flags = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
        .split("\n")
        .find((line) => line.includes(" /etc/file "));
      assert.match(flags ?? "", / \/etc\/file ro,/);
    }));

  test("bring a root file system that has lost its mount points what it needs", (t) =>
    withCriu(t, async (bench) => {
      mkdirSync(bench.path("data"));
      writeFileSync(bench.path("data/x"), "there\n");
      const { mounts = [] } = bench.spec("x", "", {});
      const data = { type: "bind", source: bench.path("data"), destination: "/some/where", options: ["bind"] };
      const script = COUNTER.replace("$line", "$(cat /some/where/x)");
      const request = await bench.start(script, { top: { mounts: [...mounts, data] } });
      await bench.checkpoint(request);
      execFileSync(
        "rmdir",
        ["some/where", "some"].map((path) => join(bench.rootfs, path)),
      );
      await bench.restore(request);
      assert.equal(await bench.ask("a"), "1 there");
    }));

  test("keep the limits of the config, and a cgroup namespace", (t) =>
    withCriu(t, async (bench) => {
      const { linux } = bench.spec("x", "", {});
      const request = await bench.start(COUNTER, {
        linux: { namespaces: [...(linux?.namespaces ?? []), { type: "cgroup" }], resources: { pids: { limit: 77 } } },
      });
      await bench.checkpoint(request);
      const { pid } = await bench.restore(request);
      const stats = await bench.containers.stats(request.id);
      assert.equal(stats.pids?.limit, 77n);
      assert.equal(await bench.ask("a"), "1 a");
      const ours = execFileSync("readlink", ["/proc/self/ns/cgroup"], { encoding: "utf8" });
      assert.notEqual(execFileSync("readlink", [`/proc/${pid}/ns/cgroup`], { encoding: "utf8" }), ours);
    }));

  test("run the hooks of the runtime while the namespaces are empty", (t) =>
    withCriu(t, async (bench) => {
      const kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] as const;
      const said = bench.path("said");
      const hooks = Object.fromEntries(
        kinds.map((kind) => [kind, [{ path: "/bin/sh", args: ["sh", "-c", `echo ${kind} >>${said}`] }]]),
      );
      const request = await bench.start(COUNTER, { top: { hooks } });
      await bench.checkpoint(request, { leaveRunning: true });
      await bench.remove(request.id);
      unlinkSync(said);
      await bench.restore(request);
      assert.equal(readFileSync(said, "utf8"), "prestart\ncreateRuntime\n");
      await bench.remove(request.id);
      assert.equal(readFileSync(said, "utf8"), "prestart\ncreateRuntime\npoststop\n");
    }));

  test("hand a terminal to whoever listens at the console socket", async (t) => {
    const obstacle = receiverObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withCriu(t, async (bench) => {
      await using before = new ConsoleReceiver(bench.path("before"));
      await before.listening();
      const script = 'while read line; do echo "heard $line"; done';
      const request = await bench.start(script, { process: { terminal: true } }, { consoleSocket: before.socket });
      before.type("a\n");
      await until("the first answer", () => before.said().includes("heard a") || undefined);
      await bench.checkpoint(request);
      await using after = new ConsoleReceiver(bench.path("after"));
      await after.listening();
      await bench.restore(request, { consoleSocket: after.socket });
      after.type("b\n");
      await until("the second answer", () => after.said().includes("heard b") || undefined);
    });
  });

  test("are there for a container of the process runtime, too, which ends as one that was killed", (t) =>
    withCriu(t, async (bench) => {
      const runtime = new ProcessRuntime({ root: bench.path("runtime") });
      try {
        assert.equal((await runtime.features()).checkpoint, true);
        const id = `${bench.mark}-runtime`;
        const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
        await runtime.run({ id, bundle: bench.directory, spec: bench.spec(id, COUNTER, {}), stdio });
        assert.equal(await bench.ask("a"), "1 a");
        await runtime.checkpoint(id, { imagePath: bench.images, leaveRunning: true });
        assert.equal(await bench.ask("b"), "2 b");
        await runtime.checkpoint(id, { imagePath: bench.images });
        assert.equal((await runtime.wait(id)).exitCode, 137);
        await runtime.delete(id);
      } finally {
        runtime.close();
      }
      assert.ok(readdirSync(bench.images).includes("inventory.img"));
    }));
});

function filledText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8") || undefined;
  } catch {
    return undefined;
  }
}
