import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import type { CreateRequest, Stdio } from "@orlop/core";
import { bounded, type ProcessBench, withBench } from "../process/process-bench-fixture.ts";
import { PumpBench } from "./log-pump-fixture.ts";
import { readLog } from "./read-log.ts";

/** The stdio of a container with a pump. */
function stdioOf({ directory }: PumpBench, stdin: boolean): Stdio {
  const [input, stdout, stderr] = ["stdin", "stdout", "stderr"].map((name) => ({ path: join(directory, name) }));
  assert(input !== undefined && stdout !== undefined && stderr !== undefined);
  return { stdin: stdin ? input : "null", stdout, stderr };
}

/** The container of nobody that its maker holds. */
function detached(bench: ProcessBench, pumps: PumpBench, script: string, changes = {}, stdin = false): CreateRequest {
  return bench.request(script, { ...changes, request: { stdio: stdioOf(pumps, stdin), detached: true } });
}

/** Reads along until `text` is in the log. */
async function awaitText(pumps: PumpBench, text: string): Promise<void> {
  let seen = "";
  for await (const { data } of readLog(pumps.file, { follow: true, raw: true })) {
    seen += data.toString();
    if (seen.includes(text)) return;
  }
  assert.fail(`the log ended without "${text}": ${seen}`);
}

/** Containers of our own runtime, whose output a pump takes. */
export function loggedContainersSuite(rootless: boolean): void {
  const withBoth: WithBoth = (t, work) =>
    withBench(
      t,
      async (bench) => {
        await using pumps = new PumpBench();
        await work(bench, pumps);
      },
      { rootless },
    );

  suite("the log of a container", () => {
    outputTests(rootless, withBoth);
    lifeTests(withBoth);
  });
}

type WithBoth = (t: TestContext, work: (bench: ProcessBench, pumps: PumpBench) => Promise<void>) => Promise<void>;

/** What gets into it. */
function outputTests(rootless: boolean, withBoth: WithBoth): void {
  test("has all that both streams were given, to the container's end", (t) =>
    withBoth(t, async (bench, pumps) => {
      const pump = await pumps.start();
      const script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo oops >&2; printf end";
      const { id } = await run(bench, detached(bench, pumps, script));
      assert.equal(await bounded("the pump", pump.ended), "ended");
      const expected = Array.from({ length: 3000 }, (_, index) => `line ${index}\n`).join("");
      assert.equal(await pumps.text("stdout"), `${expected}end`);
      assert.equal(await pumps.text("stderr"), "oops\n");
      await bench.runtime.delete(id);
    }));

  test("has what is written to /dev/stdout and /dev/stderr by name", (t) =>
    withBoth(t, async (bench, pumps) => {
      const pump = await pumps.start();
      const process = rootless ? {} : { user: { uid: 1000, gid: 1000 } };
      const { id } = await run(bench, detached(bench, pumps, "echo a >/dev/stdout; echo b >/dev/stderr", { process }));
      assert.equal(await bounded("the pump", pump.ended), "ended");
      assert.deepEqual([await pumps.text("stdout"), await pumps.text("stderr")], ["a\n", "b\n"]);
      await bench.runtime.delete(id);
    }));

  test("has what a terminal said, as one stream", (t) =>
    withBoth(t, async (bench, pumps) => {
      const pump = await pumps.start({ terminal: true });
      const process = { terminal: true };
      const { id } = await run(bench, detached(bench, pumps, "tty; echo oops >&2", { process }));
      assert.equal(await bounded("the pump", pump.ended), "ended");
      assert.equal(await pumps.text("stdout"), "/dev/pts/0\r\noops\r\n");
      await bench.runtime.delete(id);
    }));
}

/** What happens around it meanwhile. */
function lifeTests(withBoth: WithBoth): void {
  test("goes on while writers to its input come and go", (t) =>
    withBoth(t, async (bench, pumps) => {
      const pump = await pumps.start({ stdin: true });
      const { id } = await run(bench, detached(bench, pumps, "exec cat", {}, true), false);
      for (const text of ["first\n", "second\n"]) {
        const writer = pumps.writer("stdin");
        await writer.write(text);
        await awaitText(pumps, text);
        writer.close();
      }
      await bench.runtime.signal(id, 9);
      assert.equal(await bounded("the pump", pump.ended), "ended");
      assert.equal(await pumps.text(), "first\nsecond\n");
      await bench.runtime.wait(id);
      await bench.runtime.delete(id);
    }));

  test("misses nothing when the pump is killed under the container, and outlives who started it", (t) =>
    withBoth(t, async (bench, pumps) => {
      const first = await pumps.start();
      const script = "echo one; while [ ! -e /go ]; do sleep 0.02; done; rm /go; echo two; exec sleep 1000";
      const { id } = await run(bench, detached(bench, pumps, script), false);
      await awaitText(pumps, "one\n");
      process.kill(first.pid, "SIGKILL");
      assert.equal(await first.ended, "lost");
      await bench.exec(id, "go", "touch /go; while [ -e /go ]; do sleep 0.02; done");
      const second = await pumps.start({ resume: true });
      await awaitText(pumps, "two\n");
      await pumps.closeZygote();
      assert.equal(readFileSync(`/proc/${second.pid}/comm`, "utf8"), "orlop-log\n");
      const followed = pumps.entries({ follow: true });
      await bench.runtime.signal(id, 9);
      assert.equal(
        Buffer.concat((await bounded("the log", followed)).map(({ data }) => data)).toString(),
        "one\ntwo\n",
      );
      await bench.runtime.wait(id);
      await bench.runtime.delete(id);
    }));
}

async function run(bench: ProcessBench, request: CreateRequest, toItsEnd = true): Promise<CreateRequest> {
  await bench.runtime.run(request);
  if (toItsEnd) await bounded(`waiting for ${request.id}`, bench.runtime.wait(request.id));
  return request;
}
