import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { type FilterProgram, pipeThrough } from "./pipe-through.ts";

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

function shell(script: string, more: Partial<FilterProgram> = {}): FilterProgram {
  return { path: "sh", args: ["-c", script], ...more };
}

const what = 'unpack "x"';

async function output(
  program: FilterProgram,
  chunks: AsyncIterable<Buffer> = chunksOf("one ", "two"),
  signal?: AbortSignal,
): Promise<string> {
  const options = signal === undefined ? { what } : { what, signal };
  return Buffer.concat(await Array.fromAsync(pipeThrough(chunks, program, options))).toString();
}

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(1 << 16);
}

describe("a program that chunks are piped through", () => {
  test("transforms them", async () => {
    assert.equal(await output(shell("tr a-z A-Z")), "ONE TWO");
    assert.equal(await output(shell("tr a-z A-Z"), chunksOf()), "");
    const large = "x".repeat(1 << 20);
    assert.equal((await output(shell("cat"), chunksOf(large, large))).length, 2 << 20);
  });

  test("has the environment and the payload that it is given", async () => {
    const program = shell('echo "$GREETING"; cat <&3; cat', {
      env: { GREETING: "hello" },
      payload: Buffer.from("3\n"),
    });
    assert.equal(await output(program), "hello\n3\none two");
  });

  test("need not read all of its input, nor its payload", async () => {
    assert.equal(await output(shell("head -c 3", { payload: Buffer.alloc(1 << 20) }), endless()), "\0\0\0");
  });

  test("fails with what it says", async () => {
    await assert.rejects(output(shell("echo no good >&2; exit 3")), {
      code: "failed",
      message: 'Cannot unpack "x": "sh" says no good (exit code 3)',
    });
    await assert.rejects(output(shell("kill -KILL $$"), endless()), {
      code: "failed",
      message: /"sh" has failed \(SIGKILL\)$/,
    });
    const long = await output(shell("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")).catch(
      (error: Error) => error,
    );
    assert.ok(long instanceof Error && long.message.length < 20_000);
  });

  test("has to be there", async () => {
    await assert.rejects(output({ path: "/none/such" }), { code: "unsupported", message: /there is no such program/ });
  });

  test("ends when the chunks fail, with their error", async () => {
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from("one");
      throw new Error("the source is gone");
    };
    await assert.rejects(output(shell("cat; sleep 1000"), failing()), /the source is gone/);
  });

  test("is killed when nobody reads on", async () => {
    let pid = 0;
    for await (const chunk of pipeThrough(endless(), shell("echo $$; exec sleep 1000"), { what })) {
      pid = Number(chunk.toString());
      process.kill(pid, 0);
      break;
    }
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });

  test("is killed with what it has started", () =>
    withTemporaryDirectory(async (directory) => {
      const fifo = join(directory, "fifo");
      execFileSync("mkfifo", [fifo]);
      const controller = new AbortController();
      const program = shell(`{ echo started >&9; exec sleep 1000; } 9>${fifo} & cat >/dev/null; wait`);
      const rejected = assert.rejects(output(program, endless(), controller.signal), { code: "cancelled" });
      // It ends when the last process that may write to it does.
      for await (const chunk of createReadStream(fifo)) {
        assert.equal(String(chunk), "started\n");
        controller.abort();
      }
      await rejected;
    }));

  test("is killed by the signal", async () => {
    const controller = new AbortController();
    const ended = output(shell("cat >/dev/null; sleep 1000"), endless(), controller.signal);
    controller.abort();
    await assert.rejects(ended, { code: "cancelled" });
    await assert.rejects(output(shell("sleep 1000"), endless(), AbortSignal.abort()), { code: "cancelled" });
  });
});
