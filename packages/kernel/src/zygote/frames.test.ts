import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { MACHINE_REFUSED_STATUS } from "../machine/memory-layout.ts";
import { HEADER, HEADER_BYTES, PROGRAM_MAX_BYTES, type Program } from "../program/program.ts";
import { frameOf, programOf, RawZygote, TOKEN } from "./raw-zygote-fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "orlop-frames-"));
after(() => rmSync(directory, { recursive: true }));

const seed = Number(process.env.ORLOP_TEST_SEED ?? Date.now() % 1_000_000);
let state = seed >>> 0;

/** A whole number below `limit`: a linear congruential generator with the constants of Numerical Recipes. */
function random(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

let markers = 0;

/** A program that leaves a file, and the file: whether something was executed. */
function marking(): { readonly program: Program; readonly executed: () => boolean } {
  const path = join(directory, `marker-${++markers}`);
  const program = programOf((p) => {
    p.call("mknodat", [p.flags("AT_FDCWD"), p.text(path), p.number(0o100600, "S_IFREG|0600"), 0]);
    p.call("exit_group", [0]);
  });
  return { program, executed: () => existsSync(path) };
}

/** Sends the bytes and closes: nothing may be executed, and the zygote has to leave. */
async function isRefused(bytes: Uint8Array, executed: () => boolean, what: string): Promise<void> {
  await using zygote = new RawZygote();
  zygote.socket.end(bytes);
  const { status, signal, kinds } = await zygote.end();
  assert.deepEqual([signal, executed()], [null, false], what);
  assert.ok(status === MACHINE_REFUSED_STATUS || status === 0, `${what}: status ${status}`);
  // What it says last is lost with what it has not read.
  const said = kinds.filter((kind) => kind !== "refused");
  assert.deepEqual(said, [], what);
}

suite("a frame for a zygote", () => {
  test("is executed when it is one, also in pieces and one after the other", async () => {
    await using zygote = new RawZygote();
    const whole = marking();
    zygote.socket.write(frameOf(whole.program));
    await zygote.answers();
    const cut = marking();
    const frame = frameOf(cut.program);
    for (const at of [0, 1, 17, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, frame.length - 1]) {
      const next = [1, 17, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, frame.length - 1, frame.length].find(
        (end) => end > at,
      );
      zygote.socket.write(frame.subarray(at, next));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await zygote.answers();
    const both = [marking(), marking()];
    zygote.socket.write(Buffer.concat(both.map(({ program }) => frameOf(program))));
    await zygote.answers();
    for (const { executed } of [whole, cut, ...both]) {
      for (let tries = 0; tries < 1000 && !executed(); tries++) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.equal(executed(), true);
    }
  });

  test("is refused with any other token, magic or version, and what follows it is not looked at", async () => {
    for (const [offset, length] of [
      [HEADER.token, 16],
      [HEADER.magic, 4],
      [HEADER.version, 4],
    ] as const) {
      for (let at = offset; at < offset + length; at++) {
        const { program, executed } = marking();
        const frame = frameOf(program);
        frame[at] = (frame[at] ?? 0) ^ (1 << random(8));
        await isRefused(Buffer.concat([frame, frameOf(program)]), executed, `byte ${at} of the header`);
      }
    }
  });

  test("is refused with a length that cannot be", async () => {
    for (const length of [0, 1, HEADER_BYTES - 1, HEADER_BYTES, PROGRAM_MAX_BYTES + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const { program, executed } = marking();
      const frame = frameOf(program);
      frame.writeUInt32LE(length, HEADER.length);
      await isRefused(frame, executed, `length ${length}`);
    }
  });

  test("is not executed when it ends early, wherever that is", async () => {
    const { program, executed } = marking();
    const frame = frameOf(program);
    const cuts = [1, 4, 8, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, HEADER_BYTES + 64, frame.length - 1];
    for (const cut of cuts) await isRefused(frame.subarray(0, cut), executed, `${cut} of ${frame.length} bytes`);
    frame.writeUInt32LE(frame.length + 1, HEADER.length);
    await isRefused(frame, executed, "a byte less than promised");
  });

  test("is nothing that can be come by through chance", async (t) => {
    t.diagnostic(`seed ${seed}`);
    for (let round = 0; round < 40; round++) {
      const bytes = Buffer.from(Array.from({ length: 1 + random(400) }, () => random(256)));
      await isRefused(bytes, () => false, `random bytes ${bytes.toString("hex")}`);
    }
  });

  test("is nothing that can be made of a seen one with another token", async (t) => {
    t.diagnostic(`seed ${seed}`);
    for (let round = 0; round < 40; round++) {
      const { program, executed } = marking();
      const token = Buffer.from(TOKEN).fill(random(256), random(16));
      if (token.equals(TOKEN)) continue;
      const frame = frameOf(program, { token });
      for (let change = random(4); change > 0; change--) frame[random(frame.length)] = random(256);
      // A change may have hit the token and, by chance, made it whole again.
      if (frame.subarray(HEADER.token, HEADER.token + 16).equals(TOKEN)) continue;
      await isRefused(frame, executed, frame.toString("hex"));
    }
  });

  test("ends the zygote quietly when there is none", async () => {
    await isRefused(Buffer.alloc(0), () => false, "nothing");
  });
});
