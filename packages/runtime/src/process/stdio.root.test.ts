import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { suite, test } from "node:test";
import type { Stdio } from "@orlop/core";
import { spawnMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const NOTHING = { stdin: "null", stdout: "null", stderr: "null" } as const;

async function exitCode(bench: ProcessBench, script: string, stdio: Stdio): Promise<number> {
  const id = await bounded("the start", bench.start(script, { request: { stdio } }));
  const exit = await bounded("the wait", bench.runtime.wait(id));
  await bench.runtime.delete(id);
  return exit.exitCode;
}

suite("standard descriptors", () => {
  test("may be files, which are appended to and made where missing, for nobody else to read", (t) =>
    withBench(t, async (bench) => {
      const [input, output, errors] = ["input", "output", "errors"].map((name) => bench.path(name)) as [
        string,
        string,
        string,
      ];
      writeFileSync(input, "first\nsecond\n");
      writeFileSync(output, "before\n");
      const stdio = { stdin: { path: input }, stdout: { path: output }, stderr: { path: errors } };
      assert.equal(await exitCode(bench, "cat; echo problem >&2", stdio), 0);
      assert.equal(readFileSync(output, "utf8"), "before\nfirst\nsecond\n");
      assert.equal(readFileSync(errors, "utf8"), "problem\n");
      assert.equal(statSync(errors).mode & 0o777, 0o600);
    }));

  test("may be nothing", (t) =>
    withBench(t, async (bench) => {
      const script = '[ -z "$(cat)" ] && echo out && echo err >&2';
      assert.equal(await exitCode(bench, script, NOTHING), 0);
    }));

  test("may be descriptors of the caller: files, pipes, sockets and one for all, which stay open", (t) =>
    withBench(t, async (bench) => {
      const file = bench.open(bench.path("file"), "w+");
      assert.equal(
        await exitCode(bench, "echo out; echo err >&2", { ...NOTHING, stdout: { fd: file }, stderr: { fd: file } }),
        0,
      );
      assert.equal(readFileSync(bench.path("file"), "utf8"), "out\nerr\n");
      writeSync(file, "ours\n");
      const fifo = bench.open(bench.fifo("fifo"));
      writeSync(fifo, "a line\n");
      const stdio = { stdin: { fd: fifo }, stdout: { fd: file }, stderr: "null" } as const;
      assert.equal(await exitCode(bench, "read line; echo $line", stdio), 0);
      assert.equal(readFileSync(bench.path("file"), "utf8"), "out\nerr\nours\na line\n");
    }));

  test("may be FIFOs that nobody else has open yet, and that stay open between their writers", (t) =>
    withBench(t, async (bench) => {
      const [input, output] = [bench.fifo("input"), bench.fifo("output")];
      const stdio = { stdin: { path: input }, stdout: { path: output }, stderr: { path: bench.path("errors") } };
      const script = 'while read line; do echo "got $line" >&2; done';
      const id = await bounded("the start", bench.start(script, { request: { stdio } }));
      for (const line of ["first", "second"]) {
        writeFileSync(input, `${line}\n`);
        await until(line, () =>
          readFileSync(bench.path("errors"), "utf8").includes(`got ${line}`) ? true : undefined,
        );
      }
      await bounded("the deletion", bench.runtime.delete(id, { force: true }));
    }));

  test("may be a FIFO whose writer is there: the input ends with it, whatever has been written before", (t) =>
    withBench(t, async (bench) => {
      for (const early of ["", "early\n"]) {
        const input = bench.fifo(`input${early.length}`);
        const writer = bench.open(input);
        writeSync(writer, early);
        const request = bench.request("cat", {});
        const stdio = { ...request.stdio, stdin: { path: input } };
        await bounded("the start", bench.runtime.run({ ...request, stdio }));
        writeSync(writer, "late\n");
        bench.closeDescriptors();
        assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 0);
        assert.equal(bench.output(request.id), `${early}late\n`);
        await bench.runtime.delete(request.id);
      }
    }));

  test("that are inherited are those of the process that started the zygote", (t) =>
    withBench(t, async (bench) => {
      const stdio = { stdin: "inherit", stdout: "inherit", stderr: "null" } as const;
      const request = bench.request("echo inherited $(wc -c); echo lost >&2", { request: { stdio } });
      const orders = { root: bench.stateDirectory, requests: [request], upTo: "run", stdio: "inherit" } as const;
      await using maker = await spawnMaker(orders);
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 0);
      await until("the output", () => (maker.output() === "" ? undefined : true));
      assert.equal(maker.output(), "inherited 0\n");
      await bench.runtime.delete(request.id);
    }));

  test("are given to execs in the same ways", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const descriptor = bench.open(bench.path("descriptor"), "w+");
      writeFileSync(bench.path("input"), "from a file\n");
      const request = bench.execRequest(id, "e", "cat; echo err >&2");
      const stdio = {
        stdin: { path: bench.path("input") },
        stdout: { fd: descriptor },
        stderr: { path: bench.path("err") },
      };
      await bench.runtime.exec({ ...request, stdio });
      await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
      assert.equal(readFileSync(bench.path("descriptor"), "utf8"), "from a file\n");
      assert.equal(readFileSync(bench.path("err"), "utf8"), "err\n");
      await bench.runtime.delete(id, { force: true });
    }));

  test("are the only ones that a container or an exec has", (t) =>
    withBench(t, async (bench) => {
      // One that a careless caller has not marked as close-on-exec is no reason.
      const list = "cd /proc/$$/fd; for n in *; do [ -e $n ] && echo $n; done";
      for (const init of [false, true]) {
        const { output } = await bench.run(list, { request: { init } });
        assert.equal(output, "0\n1\n2\n");
      }
      const id = await bench.start("sleep 1000");
      assert.equal(await bench.exec(id, "e", list), "0\n1\n2\n");
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("standard descriptors that cannot be had", () => {
  test("are refused with their name, and nothing is left", (t) =>
    withBench(t, async (bench) => {
      mkdirSync(bench.path("directory"));
      symlinkSync(bench.path("loop"), bench.path("loop"));
      const closed = openSync("/dev/null", "r");
      closeSync(closed);
      for (const [stdio, code, message] of [
        [
          { stdin: { path: bench.path("nothing") } },
          "not-found",
          /^Cannot open ".*nothing" as stdin: no such file or directory/,
        ],
        [
          { stdout: { path: bench.path("directory") } },
          "invalid",
          /^Cannot open ".*directory" as stdout: is a directory/,
        ],
        [
          { stderr: { path: bench.path("no/such/directory") } },
          "not-found",
          /^Cannot open ".*" as stderr: no such file/,
        ],
        [
          { stderr: { path: bench.path("loop") } },
          "invalid",
          /^Cannot open ".*loop" as stderr: too many levels of symbolic links/,
        ],
        [
          { stdin: { fd: closed } },
          "failed",
          new RegExp(`^Cannot take descriptor ${closed} as stdin: bad file descriptor`),
        ],
      ] as const) {
        const attempt = bench.runtime.create(bench.request("true", { request: { stdio: { ...NOTHING, ...stdio } } }));
        await assert.rejects(bounded("the refusal", attempt), { code, message });
      }
      assert.deepEqual(await bench.runtime.list(), []);
    }));

  test("are refused to an exec in the same way, which leaves its id", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const request = bench.execRequest(id, "e", "true");
      const stdio = { ...NOTHING, stdin: { path: bench.path("nothing") } };
      await assert.rejects(bounded("the refusal", bench.runtime.exec({ ...request, stdio })), {
        code: "not-found",
        message: /^Cannot open ".*nothing" as stdin: no such file or directory/,
      });
      assert.equal(await bench.exec(id, "e", "echo works"), "works\n");
      await bench.runtime.delete(id, { force: true });
    }));
});
