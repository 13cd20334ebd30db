import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { until } from "./runtime-bench.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";

/** Standard descriptors, and terminals. */
export const stdioCases: readonly RuntimeSuiteCase[] = [
  {
    title: "reads standard input from a file and appends output and errors to files of their own",
    async check(bench) {
      const stdin = bench.path("input");
      writeFileSync(stdin, "one\ntwo\n");
      const id = bench.newId();
      writeFileSync(bench.path(`${id}.out`), "before\n");
      await bench.run("cat; echo problem >&2", { id, stdio: { ...bench.stdio(id), stdin: { path: stdin } } });
      assert.equal(bench.output(id), "before\none\ntwo\n");
      assert.equal(bench.output(id, "err"), "problem\n");
    },
  },
  {
    title: "makes an output file that does not exist",
    async check(bench) {
      const { id } = await bench.run("echo made");
      assert.equal(bench.output(id), "made\n");
    },
  },
  {
    title: "gives an empty input and takes any output with null",
    async check(bench) {
      const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
      assert.equal((await bench.run('[ -z "$(cat)" ] && echo out && echo err >&2', { stdio })).exitCode, 0);
    },
  },
  {
    title: "uses descriptors of the caller, and leaves them open",
    async check(bench) {
      const path = bench.path("descriptor");
      const descriptor = openSync(path, "w");
      try {
        const target = { fd: descriptor };
        await bench.run("echo out; echo err >&2", { stdio: { stdin: "null", stdout: target, stderr: target } });
        // A runtime that passes each on through a pipe of its own cannot keep their order.
        assert.deepEqual(readFileSync(path, "utf8").split("\n").toSorted(), ["", "err", "out"]);
        assert.doesNotThrow(() => closeSync(descriptor));
      } catch (error) {
        throw new Error("the descriptor did not reach the container", { cause: error });
      }
    },
  },
  {
    title: "keeps a FIFO open as input between writers when there is none at first",
    async check(bench) {
      const id = bench.newId();
      const stdio = { ...bench.stdio(id), stdin: { path: await bench.fifo(id) } };
      await bench.start('while read line; do echo "got $line"; done', { id, stdio });
      for (const line of ["first", "second"]) {
        writeFileSync(stdio.stdin.path, `${line}\n`);
        await bench.outputHas(id, `got ${line}`);
      }
      await bench.end(id);
    },
  },
  {
    title: "ends an input from a FIFO with its writer, when that is there at first",
    async check(bench) {
      const id = bench.newId();
      const path = await bench.fifo(id);
      const writer = openSync(path, "r+");
      try {
        await bench.start("cat", { id, stdio: { ...bench.stdio(id), stdin: { path } } });
        writeSync(writer, "all that there is\n");
      } finally {
        closeSync(writer);
      }
      assert.equal((await bench.runtime.wait(id)).exitCode, 0);
      assert.equal(bench.output(id), "all that there is\n");
      await bench.runtime.delete(id);
    },
  },
  {
    title: "leaves the container no descriptor beside the standard ones",
    async check(bench) {
      // The shell's own listing opens one more, for the directory.
      const { id } = await bench.run("cd /proc/$$/fd; for n in *; do [ -e $n ] && echo $n; done");
      assert.equal(bench.output(id), "0\n1\n2\n");
    },
  },
  {
    title: "gives a terminal that the program controls, and passes on what it prints",
    needs: "terminal",
    async check(bench) {
      const id = bench.newId();
      const spec = bench.spec(id, {
        terminal: true,
        consoleSize: { height: 33, width: 77 },
        args: ["/bin/sh", "-c", "tty; stty size; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; echo >/dev/tty"],
      });
      await bench.run("", { id, spec });
      assert.match(bench.output(id), /^\/dev\/(pts\/\d+|console)\r?\n33 77\r?\nall\r?\n/);
    },
  },
  {
    title: "resizes a terminal",
    needs: "terminal",
    async check(bench) {
      const id = bench.newId();
      const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
      const spec = bench.spec(id, { terminal: true, args: ["/bin/sh", "-c", script] });
      await bench.start("", { id, spec, stdio: await bench.stdioWithFifo(id) });
      await bench.outputHas(id, "ready");
      await bench.runtime.resize(id, { rows: 12, columns: 34 });
      await bench.outputHas(id, "12 34");
      assert.equal((await bench.runtime.wait(id)).exitCode, 0);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "passes what is typed to the terminal, interrupts included",
    needs: "terminal",
    async check(bench) {
      const id = bench.newId();
      const stdio = await bench.stdioWithFifo(id);
      const script = "trap 'echo interrupted; exit 4' INT; read line; echo \"got $line\"; sleep 1000 & wait";
      const spec = bench.spec(id, { terminal: true, args: ["/bin/sh", "-c", script] });
      await bench.start("", { id, spec, stdio });
      writeFileSync(stdio.stdin.path, "typed\n");
      await bench.outputHas(id, "got typed");
      writeFileSync(stdio.stdin.path, "\u0003");
      assert.equal((await bench.runtime.wait(id)).exitCode, 4);
      await bench.outputHas(id, "interrupted");
      await bench.runtime.delete(id);
    },
  },
  {
    title: "refuses to resize a container without a terminal",
    async check(bench) {
      const id = await bench.start("sleep 1000");
      const refused = bench.runtime.resize(id, { rows: 1, columns: 1 });
      await assert.rejects(refused, ({ code }: { code?: unknown }) => code === "conflict" || code === "unsupported");
      await bench.end(id);
    },
  },
  {
    title: "keeps the output of a container that ended at once",
    async check(bench) {
      const { id } = await bench.run("i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo line $i; done");
      const last = await until("the last line", () => /line 500\n$/.exec(bench.output(id)) ?? undefined);
      assert.ok(last);
    },
  },
];
