import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { until } from "../process/process-bench-fixture.ts";
import { COUNTER, ECHO, withContainers, withCriu } from "./criu-bench-fixture.ts";

const { SIGKILL } = constants.signals;

suite("without a criu that will do", () => {
  test("both say how to get one, and the container goes on", (t) =>
    withContainers(t, async (bench) => {
      const request = await bench.start(COUNTER);
      bench.env.PATH = bench.directory;
      const missing = { code: "unsupported", message: /criu is not in \$PATH\nTry installing it/ };
      await assert.rejects(bench.checkpoint(request), missing);
      await assert.rejects(bench.restore({ ...request, id: `${request.id}-other` }), missing);
      assert.equal(existsSync(bench.images), false);
      assert.equal(await bench.ask("a"), "1 a");
    }));

  test("both refuse one that is too old, and one that says nothing", (t) =>
    withContainers(t, async (bench) => {
      const request = await bench.start(COUNTER);
      bench.standIn("echo Version: 3.9.1");
      await assert.rejects(bench.checkpoint(request), {
        code: "unsupported",
        message: /is criu 3\.9, and 3\.16 is the oldest/,
      });
      bench.standIn("exit 3");
      await assert.rejects(bench.checkpoint(request), { code: "failed", message: /does not say a version/ });
      assert.equal(await bench.ask("a"), "1 a");
    }));

  test("neither waits for one that ends before it has said anything", (t) =>
    withContainers(t, async (bench) => {
      const request = await bench.start(COUNTER);
      bench.standIn("case $1 in --version) echo Version: 4.2;; *) kill -9 $$;; esac");
      await assert.rejects(bench.checkpoint(request), { code: "failed", errno: /ECONNRESET|EPIPE/ });
      assert.deepEqual(existsSync(bench.images) ? readdirSync(bench.images) : [], []);
      assert.equal(await bench.ask("a"), "1 a");
      mkdirSync(bench.images, { recursive: true });
      writeFileSync(join(bench.images, "inventory.img"), "");
      writeFileSync(join(bench.images, "descriptors.json"), '["","",""]');
      await bench.remove(request.id);
      await assert.rejects(bench.restore(request), { code: "failed", errno: /ECONNRESET|EPIPE/ });
      await bench.isGone(request.id);
    }));

  test("states that cannot be saved are refused", (t) =>
    withContainers(t, async (bench) => {
      const { id } = await bench.start("exit 0");
      await until("the end", async () => ((await bench.containers.state(id)).status === "stopped" ? true : undefined));
      const stopped = { code: "conflict", message: /it is stopped, not running or paused/ };
      await assert.rejects(bench.containers.checkpoint({ id, env: bench.env, imagePath: bench.images }), stopped);
      const unknown = bench.containers.checkpoint({ id: "nobody", env: bench.env, imagePath: bench.images });
      await assert.rejects(unknown, { code: "not-found" });
    }));

  test("images that are not there, or not whole, are refused", (t) =>
    withContainers(t, async (bench) => {
      const request = await bench.start("exit 0");
      await bench.remove(request.id);
      bench.standIn("echo Version: 4.2");
      await assert.rejects(bench.restore(request), {
        code: "not-found",
        message: /images": no such file or directory/,
      });
      mkdirSync(bench.images);
      await assert.rejects(bench.restore(request), { code: "not-found", message: /no inventory\.img/ });
      writeFileSync(join(bench.images, "inventory.img"), "");
      await assert.rejects(bench.restore(request), { code: "not-found", message: /no descriptors\.json/ });
      writeFileSync(join(bench.images, "descriptors.json"), '[1, "x"]');
      await assert.rejects(bench.restore(request), { code: "invalid", message: /damaged/ });
      await assert.rejects(bench.containers.state(request.id), { code: "not-found" });
    }));
});

suite("a checkpoint that fails", () => {
  test("leaves no half of one, and says what criu said", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(ECHO);
      assert.equal(await bench.ask("a"), "a");
      mkdirSync(bench.images);
      writeFileSync(join(bench.images, "mine"), "");
      await assert.rejects(bench.checkpoint(request), {
        code: "failed",
        message: /: criu: .*\nTry reading ".*dump\.log"/,
      });
      assert.deepEqual(readdirSync(bench.images).sort(), ["dump.log", "mine"]);
      assert.equal(await bench.status(request), "running");
      assert.equal(await bench.ask("b"), "b");
    }));

  test("lets the container go on when criu is killed while everything stands still", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      const { pid = 0 } = await bench.containers.state(request.id);
      mkdirSync(bench.images);
      // It waits here for somebody who reads.
      execFileSync("mkfifo", [join(bench.images, "ids-1.img")]);
      const failure = assert.rejects(bench.checkpoint(request), {
        code: "failed",
        message: /criu ended before it was done/,
      });
      process.kill(await until("criu to trace init", () => bench.tracerOf(pid)), SIGKILL);
      await failure;
      assert.equal(await bench.status(request), "running");
      assert.equal(await bench.ask("a"), "1 a");
      unlinkSync(join(bench.images, "ids-1.img"));
      await bench.checkpoint(request);
      await bench.restore(request);
      assert.equal(await bench.ask("b"), "2 b");
    }));
});

suite("a restore that fails", () => {
  /** Ends criu, which at that moment is the container's only other process. */
  const killCriu = 'for pid in $(cat "$0"); do grep -qs "^criu" /proc/$pid/comm && kill -9 $pid; done; true';

  test("leaves nothing when criu is killed half-way, when a hook fails, when nobody can be told", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      const procs = bench.processesFile(request.id);
      await bench.checkpoint(request);
      const hooked = (script: string) => ({
        ...request,
        spec: { ...request.spec, hooks: { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script, procs] }] } },
      });
      await assert.rejects(bench.restore(hooked(killCriu)), { code: "failed" });
      await bench.isGone(request.id);
      await assert.rejects(bench.restore(hooked("echo no >&2; exit 3")), {
        code: "failed",
        message: /exit status 3: no/,
      });
      await bench.isGone(request.id);
      const announce = (): never => {
        throw new Error("nobody listens");
      };
      await assert.rejects(bench.restore(request, { announce }), /nobody listens/);
      await bench.isGone(request.id);
      await bench.restore(request);
      assert.equal(await bench.ask("a"), "1 a");
      await assert.rejects(bench.restore(request), { code: "exists" });
      assert.equal(await bench.ask("b"), "2 b");
    }));

  test("says what criu said of images that are damaged", (t) =>
    withCriu(t, async (bench) => {
      const request = await bench.start(COUNTER);
      await bench.checkpoint(request, { workPath: bench.path("work") });
      assert.ok((await readFile(bench.path("work/dump.log"), "utf8")).includes("Dumping finished successfully"));
      writeFileSync(join(bench.images, "pstree.img"), "not one");
      const failure = { code: "failed", message: /: criu: .*\nTry reading ".*\/work\/restore\.log"/ };
      await assert.rejects(bench.restore(request, { workPath: bench.path("work") }), failure);
      await bench.isGone(request.id);
    }));
});
