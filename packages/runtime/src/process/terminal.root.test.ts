import assert from "node:assert/strict";
import { closeSync, constants as fsConstants, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { suite, test } from "node:test";
import type { CreateRequest, Process } from "@orlop/core";
import { ConsoleReceiver, receiverObstacle } from "./console-receiver-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const { SIGTERM } = constants.signals;

const consoleSize = { height: 33, width: 77 };

function terminalRequest(bench: ProcessBench, script: string, process: Partial<Process> = {}): CreateRequest {
  return bench.request(script, { process: { terminal: true, consoleSize, ...process } });
}

/** With an input that never ends. */
function withFifo(bench: ProcessBench, request: CreateRequest): CreateRequest & { readonly input: string } {
  const input = bench.fifo(`${request.id}.input`);
  return { ...request, stdio: { ...request.stdio, stdin: { path: input } }, input };
}

suite("a terminal sent to a console socket", () => {
  test("arrives as one descriptor with the right size, is the container's own, and carries both ways", async (t) => {
    const obstacle = receiverObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(t, async (bench) => {
      await using receiver = new ConsoleReceiver(bench.path("console"));
      await receiver.listening();
      const script =
        'tty; stty size; read line; echo "read $line"; echo to tty >/dev/tty; echo to console >/dev/console';
      const request = terminalRequest(bench, script);
      await bench.runtime.create({ ...request, stdio: { ...request.stdio, consoleSocket: receiver.socket } });
      assert.deepEqual(await receiver.received(), {
        message: "/dev/ptmx",
        count: 1,
        more: 0,
        tty: true,
        columns: 77,
        rows: 33,
      });
      assert.equal(receiver.said(), "");
      await bench.runtime.start(request.id);
      receiver.type("hello\n");
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 0);
      await bench.runtime.delete(request.id);
      await receiver.close();
      const lines = receiver
        .said()
        .split("\r\n")
        .filter((line) => line !== "hello");
      assert.deepEqual(lines, ["/dev/pts/0", "33 77", "read hello", "to tty", "to console", ""]);
    });
  });

  test("hangs up when the other side lets go of it", async (t) => {
    const obstacle = receiverObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(t, async (bench) => {
      await using receiver = new ConsoleReceiver(bench.path("console"));
      await receiver.listening();
      const request = terminalRequest(bench, "trap 'exit 21' HUP; echo ready; while :; do sleep 0.02; done");
      await bench.runtime.run({ ...request, stdio: { ...request.stdio, consoleSocket: receiver.socket } });
      await receiver.received();
      // Before that the kernel keeps the signal from process 1.
      await until("the trap", () => (receiver.said().includes("ready") ? true : undefined));
      await receiver.close();
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 21);
      await bench.runtime.delete(request.id);
    });
  });

  test("is given to an exec, too", async (t) => {
    const obstacle = receiverObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(t, async (bench) => {
      await using receiver = new ConsoleReceiver(bench.path("console"));
      await receiver.listening();
      const id = await bench.start("sleep 1000");
      const request = bench.execRequest(id, "e", "tty; stty size", { terminal: true, consoleSize });
      await bench.runtime.exec({ ...request, stdio: { ...request.stdio, consoleSocket: receiver.socket } });
      assert.equal((await bounded("the wait", bench.runtime.wait(id, { execId: "e" }))).exitCode, 0);
      assert.deepEqual((await receiver.received()).count, 1);
      await receiver.close();
      assert.equal(receiver.said(), "/dev/pts/0\r\n33 77\r\n");
      await bench.runtime.delete(id, { force: true });
    });
  });

  test("is refused where nobody listens, or where no socket can be", (t) =>
    withBench(t, async (bench) => {
      writeFileSync(bench.path("file"), "");
      for (const [consoleSocket, code, message] of [
        [bench.path("nothing"), "not-found", /^Cannot send the terminal to console socket ".*nothing": no such file/],
        [bench.path("file"), "failed", /^Cannot send the terminal to console socket ".*file": connection refused/],
        [`/${"x".repeat(200)}`, "invalid", /^Cannot use console socket "\/x*": .*107 bytes/],
      ] as const) {
        const request = terminalRequest(bench, "true");
        const attempt = bench.runtime.create({ ...request, stdio: { ...request.stdio, consoleSocket } });
        await assert.rejects(bounded("the refusal", attempt), { code, message });
      }
      const request = bench.request("true");
      const stdio = { ...request.stdio, consoleSocket: bench.path("nothing") };
      await assert.rejects(bench.runtime.create({ ...request, stdio }), {
        code: "invalid",
        message: /^Cannot use console socket ".*": the process has no terminal/,
      });
    }));
});

suite("a terminal that the reaper relays", () => {
  test("is the controlling one of the program, belongs to its user, and is /dev/console", (t) =>
    withBench(t, async (bench) => {
      const script = [
        "tty; stty size; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; stat -c %u:%a /dev/pts/0",
        "echo to console >/dev/console; echo to tty >/dev/tty; stat -c %t:%T /dev/console",
      ].join("; ");
      const request = terminalRequest(bench, script, { user: { uid: 1000, gid: 1000 } });
      await bench.runtime.run(request);
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 0);
      await bench.runtime.delete(request.id);
      const expected = ["/dev/pts/0", "33 77", "all", "1000:620", "to console", "to tty", "88:0", ""];
      assert.deepEqual(bench.output(request.id).split("\r\n"), expected);
    }));

  test("carries all of a large output, also what comes last", (t) =>
    withBench(t, async (bench) => {
      const request = terminalRequest(bench, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done");
      await bench.runtime.run(request);
      await bounded("the wait", bench.runtime.wait(request.id));
      await bench.runtime.delete(request.id);
      const lines = bench.output(request.id).split("\r\n");
      assert.equal(lines.length, 20_001);
      for (const [index, line] of lines.slice(0, -1).entries()) assert.equal(line, `line ${index + 1}`);
    }));

  test("is resized, for the container and for its execs, by any process", (t) =>
    withBench(t, async (bench) => {
      const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done";
      const request = withFifo(bench, terminalRequest(bench, script));
      await bench.runtime.run(request);
      const { id } = request;
      const exec = bench.execRequest(id, "e", script, { terminal: true });
      await bench.runtime.exec({ ...exec, stdio: { ...exec.stdio, stdin: { path: bench.fifo("e.input") } } });
      await bench.outputHas("e", "ready");
      await bench.another().resize(id, { rows: 11, columns: 222 }, { execId: "e" });
      await bench.outputHas("e", "11 222");
      await bench.outputHas(id, "ready");
      await bench.runtime.resize(id, { rows: 12, columns: 34 });
      await bench.outputHas(id, "12 34");
      await bounded("the wait", bench.runtime.wait(id));
      await bench.runtime.delete(id);
    }));

  test("is not resized where there is none", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      await bench.runtime.exec(bench.execRequest(id, "e", "sleep 1000"));
      const size = { rows: 1, columns: 1 };
      const refusal = { code: "conflict", message: /^Cannot resize (container|exec) ".*": it has no terminal/ };
      await assert.rejects(bench.runtime.resize(id, size), refusal);
      await assert.rejects(bench.runtime.resize(id, size, { execId: "e" }), refusal);
      await bench.runtime.delete(id, { force: true });
    }));

  test("passes on what is typed, interrupts included", (t) =>
    withBench(t, async (bench) => {
      for (const init of [false, true]) {
        const script =
          "trap 'echo interrupted; exit 4' INT; read line; echo \"got $line\"; while :; do sleep 0.02; done";
        const request = withFifo(bench, { ...terminalRequest(bench, script), init });
        await bench.runtime.run(request);
        writeFileSync(request.input, "typed\n");
        await bench.outputHas(request.id, "got typed");
        writeFileSync(request.input, "\u0003");
        await bench.outputHas(request.id, "interrupted");
        assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 4);
        await bench.runtime.delete(request.id);
      }
    }));

  test("does not keep the reaper from its duties when nobody takes the output", (t) =>
    withBench(t, async (bench) => {
      const output = bench.fifo("output");
      bench.open(output);
      const request = terminalRequest(bench, "trap 'exit 5' TERM; while :; do echo much; done");
      await bench.runtime.run({ ...request, stdio: { ...request.stdio, stdout: { path: output } } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await bench.runtime.signal(request.id, SIGTERM);
      await bounded("the deletion", bench.runtime.delete(request.id, { force: true }), 5_000);
    }));

  test("does not keep the reaper from its duties when nobody reads the input", (t) =>
    withBench(t, async (bench) => {
      const request = terminalRequest(bench, "sleep 1000");
      const input = bench.path("input");
      writeFileSync(input, "much\n".repeat(100_000));
      await bench.runtime.run({ ...request, stdio: { ...request.stdio, stdin: { path: input } } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await bounded("the deletion", bench.runtime.delete(request.id, { force: true }), 5_000);
    }));

  function hasOutput(fifo: number): boolean {
    try {
      return readSync(fifo, Buffer.alloc(100)) > 0;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
      return false;
    }
  }

  /** A container with a terminal whose output nobody reads any more once it is ready, and told to go on. */
  async function abandoned(bench: ProcessBench, prepare: string, goOn: string, detached: boolean): Promise<number> {
    const script = `${prepare}; echo ready; read line; ${goOn}`;
    const fifo = bench.fifo("output");
    const reader = openSync(fifo, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK);
    const writer = bench.open(fifo, "w");
    const request = withFifo(bench, { ...terminalRequest(bench, script), detached });
    await bench.runtime.run({ ...request, stdio: { ...request.stdio, stdout: { fd: writer } } });
    await until("ready", () => (hasOutput(reader) ? true : undefined));
    closeSync(reader);
    bench.closeDescriptors();
    writeFileSync(request.input, "go on\n");
    const { exitCode } = await bounded("the wait", bench.runtime.wait(request.id));
    await bench.runtime.delete(request.id);
    return exitCode;
  }

  test("hangs up when the reader of its output is gone", (t) =>
    withBench(t, async (bench) => {
      assert.equal(await abandoned(bench, "trap 'exit 6' HUP", "while :; do echo much; sleep 0.02; done", false), 6);
    }));

  test("fails what is written to it then, which ends a program that does not hear the signal", (t) =>
    withBench(t, async (bench) => {
      assert.equal(await abandoned(bench, "trap '' HUP", "while echo much; do :; done; exit 7", false), 7);
    }));

  test("outlives the reader of a detached container's output, and says no more to nobody", (t) =>
    withBench(t, async (bench) => {
      const script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; exit 8";
      assert.equal(await abandoned(bench, "true", script, true), 8);
    }));

  test("needs a devpts of the container's own", (t) =>
    withBench(t, async (bench) => {
      const request = terminalRequest(bench, "true");
      const mounts = (request.spec.mounts ?? []).filter(({ destination }) => destination !== "/dev/pts");
      await assert.rejects(bench.runtime.create({ ...request, spec: { ...request.spec, mounts } }), {
        code: "not-found",
        message: /^Cannot open a terminal: no such file or directory \(process\.terminal\)/,
        field: "process.terminal",
      });
      assert.ok(statSync(bench.rootfs).isDirectory());
    }));
});
