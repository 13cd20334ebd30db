import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatCri, formatJsonFile } from "./format-log.ts";
import type { LogEntry } from "./log-entry.ts";

const TIME_NS = 1_475_260_800_123_456_780n;

const entry = (data: string | Buffer, more: Partial<LogEntry> = {}): LogEntry => ({
  stream: "stdout",
  timeNs: TIME_NS,
  data: Buffer.from(data as string),
  ...more,
});

suite("an entry in the CRI's format", () => {
  test("says when, where from, and whether the line is whole", () => {
    assert.equal(formatCri(entry("hello\n")).toString(), "2016-09-30T18:40:00.123456780Z stdout F hello\n");
    assert.equal(
      formatCri(entry("hel", { stream: "stderr" })).toString(),
      "2016-09-30T18:40:00.123456780Z stderr P hel\n",
    );
  });

  test("has every byte as it was", () => {
    const bytes = Buffer.from([0, 0xff, 0xfe, 0x0a]);
    assert.deepEqual(formatCri(entry(bytes)).subarray(-4), bytes);
  });
});

suite("an entry in the format of docker's json-file", () => {
  test("is a line of JSON with docker's names and time", () => {
    const text = formatJsonFile(entry('say "hello"\n')).toString();
    assert.equal(text, '{"log":"say \\"hello\\"\\n","stream":"stdout","time":"2016-09-30T18:40:00.12345678Z"}\n');
    assert.equal(JSON.parse(text).log, 'say "hello"\n');
    assert.match(formatJsonFile(entry("x", { timeNs: 0n })).toString(), /"time":"1970-01-01T00:00:00Z"/);
  });

  test("escapes as Go does, and replaces what is no UTF-8", () => {
    const text = formatJsonFile(entry(Buffer.from("<a>&\u2028\u0001\xff", "latin1"))).toString();
    assert.match(text, /^\{"log":"\\u003ca\\u003e\\u0026\(\\u0001\ufffd"/);
    assert.match(formatJsonFile(entry("\u2028")).toString(), /^\{"log":"\\u2028"/);
  });
});
