import assert from "node:assert/strict";
import { appendFileSync, closeSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { OrlopError } from "@orlop/core";
import { patience, withTemporaryDirectory } from "@orlop/testkit";
import { appendRecords, logBytes, type RecordBytes } from "./log-bytes-fixture.ts";
import { LINE_MAX_BYTES, type LogEntry } from "./log-entry.ts";
import { FIRST_RECORD, LENGTH_OPEN } from "./log-layout.ts";
import { type ReadLogOptions, readLog } from "./read-log.ts";

const timeout = patience(20_000);

/** The bytes of records that follow others in a file. */
function more(records: readonly RecordBytes[]): Buffer {
  return logBytes(records).subarray(FIRST_RECORD);
}

const out = (data: string, seconds = 1_000_000_000): RecordBytes => ({ kind: "stdout", data, seconds });
const err = (data: string, seconds = 1_000_000_000): RecordBytes => ({ kind: "stderr", data, seconds });

async function withLog(
  files: readonly (readonly RecordBytes[])[],
  work: (file: string) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const file = join(directory, "log");
    for (const [index, records] of files.entries()) {
      writeFileSync(index === 0 ? file : `${file}.${index}`, logBytes(records));
    }
    await work(file);
  });
}

async function lines(file: string, options: ReadLogOptions = {}): Promise<readonly string[]> {
  return (await Array.fromAsync(readLog(file, options))).map(textOf);
}

const textOf = ({ stream, data, droppedBytes }: LogEntry): string =>
  droppedBytes === undefined ? `${stream === "stdout" ? "1" : "2"}:${data.toString()}` : `lost ${droppedBytes}`;

suite("readLog", { timeout }, () => {
  test("gives whole lines of each stream, however they came, with the time of their beginning", () =>
    withLog([[out("one\nt", 1), err("oh"), out("wo\n", 2), err(" no\nand", 3)]], async (file) => {
      const entries = await Array.fromAsync(readLog(file));
      assert.deepEqual(entries.map(textOf), ["1:one\n", "1:two\n", "2:oh no\n", "2:and"]);
      assert.deepEqual(
        entries.map(({ timeNs }) => timeNs / 1_000_000_000n),
        [1n, 1n, 1_000_000_000n, 3n],
      );
    }));

  test("gives chunks as they came when asked for that", () =>
    withLog([[out("one\nt"), out("wo\n")]], async (file) => {
      assert.deepEqual(await lines(file, { raw: true }), ["1:one\nt", "1:wo\n"]);
    }));

  test("cuts lines that are too long, and says of none that it has an end", () =>
    withLog([[out("x".repeat(LINE_MAX_BYTES + 5)), out("y\nz\n")]], async (file) => {
      const found = await lines(file);
      assert.deepEqual(
        found.map((line) => line.length - 2),
        [LINE_MAX_BYTES, 7, 2],
      );
      assert.equal(found[1], "1:xxxxxy\n");
    }));

  test("reads the rotated files before the current one", () =>
    withLog([[out("c\n")], [out("b")], [out("a\nb")]], async (file) => {
      assert.deepEqual(await lines(file), ["1:a\n", "1:bbc\n"]);
      assert.deepEqual(await lines(file, { maxFiles: 2 }), ["1:bc\n"]);
      rmSync(file);
      assert.deepEqual(await lines(file), ["1:a\n", "1:bb"]);
    }));

  test("joins no lines of different runs", () =>
    withLog([[{ kind: "start" }, out("a"), { kind: "end" }, { kind: "start" }, out("b\n")]], async (file) => {
      assert.deepEqual(await lines(file), ["1:a", "1:b\n"]);
    }));

  test("joins a line over pumps that were killed", () =>
    withLog([[{ kind: "start" }, out("a"), { kind: "resume" }, out("b\n")]], async (file) => {
      assert.deepEqual(await lines(file), ["1:ab\n"]);
    }));

  test("tells what was lost, where it was lost", () => {
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(70_000n);
    return withLog([[out("a\n"), { kind: "dropped", data: count }, out("b\n")]], async (file) => {
      const [, loss] = await Array.fromAsync(readLog(file));
      assert.equal(loss?.droppedBytes, 70_000n);
      assert.match(loss.data.toString(), /^\[orlop: 70000 bytes of output were lost: .*\]\n$/);
      assert.deepEqual(await lines(file), ["1:a\n", "lost 70000", "1:b\n"]);
      assert.deepEqual(await lines(file, { raw: true }), ["1:a\n", "lost 70000", "1:b\n"]);
    });
  });

  test("gives what came between two times", () =>
    withLog([[out("a\n", 1), out("b\n", 2), out("c\n", 3)]], async (file) => {
      const ns = (seconds: number): bigint => BigInt(seconds) * 1_000_000_000n;
      assert.deepEqual(await lines(file, { since: ns(2) }), ["1:b\n", "1:c\n"]);
      assert.deepEqual(await lines(file, { until: ns(2) }), ["1:a\n", "1:b\n"]);
      assert.deepEqual(await lines(file, { since: ns(2), until: ns(2), tail: 5 }), ["1:b\n"]);
      assert.deepEqual(await lines(file, { until: ns(1), follow: true }), ["1:a\n"]);
    }));

  test("gives chunks from a time on, over files, wherever that is", () => {
    const numbered = Array.from({ length: 3000 }, (_, index) => out(`line ${index} ${"x".repeat(90)}\n`, 1000 + index));
    return withLog([numbered.slice(2000), numbered.slice(1000, 2000), numbered.slice(0, 1000)], async (file) => {
      for (const first of [0, 500, 999, 1000, 1001, 2300, 2998, 2999, 3000]) {
        const found = await lines(file, { raw: true, since: BigInt(1000 + first) * 1_000_000_000n });
        assert.equal(found.length, 3000 - first);
        if (first < 3000) assert.match(found[0] ?? "", new RegExp(`^1:line ${first} `));
      }
    });
  });

  test("gives the last lines, whole ones, however far back they began", () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, "log");
      const numbered = Array.from({ length: 3000 }, (_, index) => out(`line ${index} ${"x".repeat(90)}\n`));
      // A line of stderr is under way all the time, and ends last.
      const records = [err("begun "), ...numbered.slice(0, 1500)];
      writeFileSync(`${file}.1`, logBytes(records));
      writeFileSync(file, logBytes([...numbered.slice(1500), err("ended\n"), out("rest")]));
      const all = await lines(file);
      assert.equal(all.length, 3002);
      for (const tail of [0, 1, 2, 3, 10, 700, 1501, 2999, 3002, 5000]) {
        assert.deepEqual(await lines(file, { tail }), tail === 0 ? [] : all.slice(-tail), `${tail} lines`);
      }
      assert.equal((await lines(file, { tail: 2 }))[0], "2:begun ended\n");
    }));

  test("gives the last lines, and what follows them in chunks, when asked for both", () =>
    withLog([[{ kind: "start" }, out("one\ntwo\nth")]], async (file) => {
      assert.deepEqual(await lines(file, { raw: true, tail: 2 }), ["1:two\n", "1:th"]);
      const reader = readLog(file, { raw: true, tail: 1, follow: true });
      assert.equal(textOf((await reader.next()).value as LogEntry), "1:th");
      appendRecords(file, [out("r"), out("ee\n"), { kind: "end" }]);
      const rest: string[] = [];
      for await (const entry of reader) rest.push(textOf(entry));
      assert.deepEqual(rest, ["1:r", "1:ee\n"]);
    }));

  test("refuses what means nothing", async () => {
    const refused = async (options: ReadLogOptions): Promise<void> => {
      await assert.rejects(lines("/nowhere", options), (error: OrlopError) => error.code === "invalid");
    };
    await refused({ tail: -1 });
    await refused({ tail: 1.5 });
    await refused({ tail: 1, from: "end" });
    await withLog([], async (file) => {
      await assert.rejects(lines(file), { code: "not-found", message: `Cannot read log "${file}": there is none` });
    });
  });
});

suite("readLog that follows", { timeout }, () => {
  test("goes on with what comes, at once in chunks, until the run has ended", () =>
    withLog([[{ kind: "start" }, out("one\n")]], async (file) => {
      const reader = readLog(file, { follow: true, raw: true });
      const next = async (): Promise<string> => textOf((await reader.next()).value as LogEntry);
      assert.equal(await next(), "1:one\n");
      // As the pump does it: a header without a length, what was written, the length.
      const at = logBytes([{ kind: "start" }, out("one\n")]).length + 4;
      const fd = openSync(file, "r+");
      const record = more([{ kind: "stdout", data: "twothree", length: LENGTH_OPEN }]);
      writeSync(fd, record, 0, 32 + 3, at);
      assert.equal(await next(), "1:two");
      writeSync(fd, record, 32 + 3, 5, at + 32 + 3);
      assert.equal(await next(), "1:three");
      writeSync(fd, more([out("twothree")]), 0, 32, at);
      writeSync(fd, more([out("four\n")]), 0, 37, at + 40);
      assert.equal(await next(), "1:four\n");
      writeSync(fd, more([{ kind: "end" }]), 0, 32, at + 40 + 40);
      closeSync(fd);
      assert.equal((await reader.next()).done, true);
    }));

  test("ends at once where the run has ended, and gives the end of its last line", () =>
    withLog([[{ kind: "start" }, out("one"), { kind: "end" }]], async (file) => {
      assert.deepEqual(await lines(file, { follow: true }), ["1:one"]);
      assert.deepEqual(await lines(file, { follow: true, from: "end" }), []);
      assert.deepEqual(await lines(file, { follow: true, tail: 1 }), ["1:one"]);
    }));

  test("waits for the output of a run that has begun", () =>
    withLog([[out("one\n"), { kind: "end" }, { kind: "start" }]], async (file) => {
      const reader = readLog(file, { follow: true, from: "end" });
      let next: IteratorResult<LogEntry> | undefined;
      reader.next().then((found) => {
        next = found;
      });
      // Nobody tells when it is at the end.
      while (next === undefined) {
        appendRecords(file, [out("two\n")]);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      assert.equal(textOf(next.value as LogEntry), "1:two\n");
      await reader.return();
    }));

  test("finishes a file that is rotated, and goes on with the next", () =>
    withLog([[out("one\n")]], async (file) => {
      const reader = readLog(file, { follow: true });
      assert.equal(textOf((await reader.next()).value as LogEntry), "1:one\n");
      appendRecords(file, [out("abc"), out("two\n")]);
      writeFileSync(`${file}.new`, logBytes([out("three\n"), { kind: "end" }]));
      renameSync(file, `${file}.1`);
      renameSync(`${file}.new`, file);
      const rest: string[] = [];
      for await (const entry of reader) rest.push(textOf(entry));
      assert.deepEqual(rest, ["1:abctwo\n", "1:three\n"]);
    }));

  test("ends when it is told to, and when the log is removed", () =>
    withLog([[out("one\n")]], async (file) => {
      const abort = new AbortController();
      const read: string[] = [];
      for await (const entry of readLog(file, { follow: true, signal: abort.signal })) {
        read.push(textOf(entry));
        setImmediate(() => abort.abort());
      }
      assert.deepEqual(read, ["1:one\n"]);
      for await (const _ of readLog(file, { follow: true })) setImmediate(() => rmSync(file));
    }));
});

suite("readLog of what is damaged", { timeout }, () => {
  test("reads up to there, and all of the other files, and then says where it is", () =>
    withLog([[out("d\n")], [out("b\n"), out("c\n")], [out("a\n")]], async (file) => {
      const bytes = logBytes([out("b\n"), out("c\n")]);
      bytes.write("xxxx", 48 + 40);
      writeFileSync(`${file}.1`, bytes);
      const read: string[] = [];
      await assert.rejects(
        async () => {
          for await (const entry of readLog(file)) read.push(textOf(entry));
        },
        { code: "failed", message: `Cannot read log "${file}.1": at byte 88 there is no record` },
      );
      assert.deepEqual(read, ["1:a\n", "1:b\n", "1:d\n"]);
    }));

  test("says of a record that is cut how much there is of it", () =>
    withLog([[]], async (file) => {
      writeFileSync(file, logBytes([out("hello\n")]).subarray(0, -2));
      await assert.rejects(lines(file), /at byte 48 there are 36 bytes of 38$/);
      writeFileSync(file, logBytes([{ kind: "stdout", length: 70_000 }]));
      await assert.rejects(lines(file), /at byte 48 there is a record of 70000 bytes$/);
    }));

  test("does not wait for more of it", () =>
    withLog([[out("one\n")]], async (file) => {
      appendFileSync(file, Buffer.alloc(100));
      await assert.rejects(lines(file, { follow: true }), /at byte 88 there is no record/);
    }));
});
