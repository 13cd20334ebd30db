import assert from "node:assert/strict";
import { closeSync, constants as fsConstants, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const KEYS = [..."xyz"].map((key) => key.charCodeAt(0));

/** A program at a terminal whose caller types into a FIFO, and reads from another. */
interface Typist {
  readonly id: string;
  readonly detached: Promise<void> | undefined;
  type(text: string): void;
  /** What the terminal has said; undefined once nobody has the other end open. */
  read(): string | undefined;
}

async function withTypist(bench: ProcessBench, script: string): Promise<Typist> {
  const container = { ...bench.request("sleep 1000"), detached: true };
  await bench.runtime.run(container);
  const { id } = container;
  const [input, output] = [bench.fifo("input"), bench.fifo("output")];
  const reader = bench.open(output, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK);
  const writer = openSync(output, "w");
  const request = bench.execRequest(id, "e", script, { terminal: true });
  const stdio = { stdin: { path: input }, stdout: { fd: writer }, stderr: "null" } as const;
  const { detached } = await bench.runtime.exec({ ...request, stdio, detachKeys: KEYS });
  closeSync(writer);
  let said = "";
  const read = (): string | undefined => {
    const chunk = Buffer.alloc(65_536);
    try {
      const got = readSync(reader, chunk);
      if (got === 0) return undefined;
      said += chunk.toString("latin1", 0, got);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
    }
    return said;
  };
  return { id, detached, read, type: (text) => writeFileSync(input, text) };
}

suite("keys that let go of an exec", () => {
  test("are found wherever the input is cut, and all else is passed on", (t) =>
    withBench(t, async (bench) => {
      const script = "stty -echo; echo ready; while read line; do echo got $line.; done";
      const typist = await withTypist(bench, script);
      const has = (text: string): Promise<true> => until(text, () => typist.read()?.includes(text) || undefined);
      await has("ready");
      for (const [typed, line] of [
        ["one\n", "one"],
        ["xy\n", "xy"],
        ["xxy y xyxy zx\n", "xxy y xyxy zx"],
        [`${"xy".repeat(1500)}\n`, "xy".repeat(1500)],
      ] as const) {
        typist.type(typed);
        await has(`got ${line}.`);
      }
      for (const part of ["x", "y", "x\n"]) typist.type(part);
      await has("got xyx.");
      for (const part of ["last\nx", "y", "zxyz lost\n"]) typist.type(part);
      await bounded("letting go", typist.detached as Promise<void>);
      await until("the end of the output", () => (typist.read() === undefined ? true : undefined));
      await bench.runtime.delete(typist.id, { force: true });
    }));

  test("leave the program its terminal, whose words nobody need take, also when its maker has gone", (t) =>
    withBench(t, async (bench) => {
      const script =
        "trap 'exit 20' HUP; echo ready; while ! test -e /tmp/go; do sleep 0.02; done; " +
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i || exit 21; done; tty && exit 9";
      const typist = await withTypist(bench, script);
      await until("ready", () => typist.read()?.includes("ready") || undefined);
      const other = bench.another();
      const ends = [bench.runtime, other].map((each) => each.wait(typist.id, { execId: "e" }));
      typist.type("xyz");
      await bounded("letting go", typist.detached as Promise<void>);
      bench.runtime.close();
      await other.resize(typist.id, { rows: 11, columns: 22 }, { execId: "e" });
      const { pid } = await other.state(typist.id);
      writeFileSync(`/proc/${pid}/root/tmp/go`, "");
      for (const { exitCode } of await bounded("the waits", Promise.all(ends))) assert.equal(exitCode, 9);
      assert.match(readFileSync(`/proc/${pid}/comm`, "utf8"), /^sleep/);
      await other.delete(typist.id, { force: true });
    }));

  test("do nothing for a program that ends before", (t) =>
    withBench(t, async (bench) => {
      const typist = await withTypist(bench, "echo ready; read line; exit 4");
      typist.type("xy\n");
      assert.equal((await bounded("the wait", bench.runtime.wait(typist.id, { execId: "e" }))).exitCode, 4);
      await bench.runtime.delete(typist.id, { force: true });
    }));

  test("are refused without a terminal, and where nobody could type them", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const at = bench.execRequest(id, "e", "true", { terminal: true });
      for (const [request, message] of [
        [{ ...bench.execRequest(id, "e", "true"), detachKeys: KEYS }, /no terminal to let go of/],
        [{ ...at, detachKeys: [] }, /there are 1 to 64/],
        [{ ...at, detachKeys: Array(65).fill(1) }, /there are 1 to 64/],
        [{ ...at, detachKeys: [256] }, /each is one byte/],
      ] as const) {
        await assert.rejects(bench.runtime.exec(request), { code: "invalid", message });
      }
      await bench.runtime.delete(id, { force: true });
    }));
});
