import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { ProgramBuilder } from "../program/builder.ts";
import type { Program } from "../program/program.ts";
import { REPORT, type Report, type ReportKind, reportKind } from "./report.ts";
import { PROGRAM_LOST, ZygoteChannel } from "./zygote-channel.ts";

/** As a zygote or a program of its says it. */
function said(kind: ReportKind, request: number, value: number = 0): Buffer {
  const bytes = Buffer.alloc(REPORT.size);
  bytes.writeUInt32LE(REPORT.size, REPORT.fields.length.offset);
  bytes.writeUInt32LE(request, REPORT.fields.request.offset);
  bytes.writeUInt32LE(reportKind(kind), REPORT.fields.kind.offset);
  bytes.writeBigInt64LE(BigInt(value), REPORT.fields.value.offset);
  return bytes;
}

function leave(): Program {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: "leave" });
  p.call("exit_group", [0]);
  return p.build();
}

/** A channel to a zygote that says what the test lets it say. */
class ToldChannel {
  readonly #socket = new PassThrough();
  readonly channel = new ZygoteChannel(this.#socket, new Uint8Array(16));
  readonly heard: Report[] = [];

  constructor() {
    // What is sent is not to come back as what is said.
    this.#socket.write = () => true;
    this.channel.submit(leave(), (report) => this.heard.push(report));
  }

  get kinds(): readonly ReportKind[] {
    return this.heard.map(({ kind }) => kind);
  }

  async say(...reports: readonly Buffer[]): Promise<void> {
    this.#socket.push(Buffer.concat(reports));
    await turn();
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await turn();
  }
}

test("what ends before its zygote says that it runs has begun first, and ended", async () => {
  const told = new ToldChannel();
  await told.say(said("created", 1, 70), said("exited", 1), said("ended", 1));
  assert.deepEqual(told.kinds, ["created", "exited"]);
  await told.say(said("begun", 1, 69));
  assert.deepEqual(told.kinds, ["created", "exited", "begun", "ended"]);
  assert.equal(told.heard.at(-2)?.value, 69);
  // The process is no program's any more.
  await told.say(said("lost", 0, 69));
  await told.close();
  assert.equal(told.kinds.length, 4);
});

for (const [how, go] of [
  ["is known to be gone", (told: ToldChannel) => told.channel.fail(new OrlopError("failed", "It was killed"))],
  ["has closed its socket", (told: ToldChannel) => told.close()],
] as const) {
  test(`what has ended is told as it was where the zygote ${how} without a word of its beginning`, async () => {
    const told = new ToldChannel();
    await told.say(said("created", 1, 70), said("ended", 1, 7));
    await go(told);
    for (let turns = 0; turns < 3; turns++) await turn();
    assert.deepEqual(told.kinds, ["created", "ended"]);
    assert.deepEqual([told.heard.at(-1)?.value, told.heard.at(-1)?.index], [7, 0]);
  });
}

test("what ends long after its zygote was gone without a word of its beginning is told so, too", async () => {
  const told = new ToldChannel();
  await told.say(said("created", 1, 70));
  told.channel.fail(new OrlopError("failed", "It was killed"));
  for (let turns = 0; turns < 3; turns++) await turn();
  await told.say(said("exited", 1), said("ended", 1, 7));
  assert.deepEqual(told.kinds, ["created", "exited", "ended"]);
  assert.deepEqual([told.heard.at(-1)?.value, told.heard.at(-1)?.index], [7, 0]);
});

test("what has not ended is lost with the socket, once", async () => {
  const told = new ToldChannel();
  await told.say(said("begun", 1, 69), said("created", 1, 70));
  await told.close();
  assert.deepEqual(told.kinds, ["begun", "created", "ended"]);
  assert.equal(told.heard.at(-1)?.index, PROGRAM_LOST);
});
