import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { type Program, Zygote } from "@orlop/kernel";
import { patience } from "@orlop/testkit";
import { failAt, killAtPass, stepAt } from "../process/faulty-program-fixture.ts";
import { type FifoWriter, PumpBench } from "./log-pump-fixture.ts";
import { readLog } from "./read-log.ts";
import type { LogPump, LogPumpOptions } from "./start-log-pump.ts";

const timeout = patience(240_000);

/** How many logs are written at once. */
const BATCH = 8;

/** A limit that makes the pump rotate a few times. */
const OPTIONS = { maxSizeBytes: 4096, maxFiles: 12 } as const;

const STREAMS = ["stdout", "stderr"] as const;

/** What a container writes in these tests, in its parts. */
const PARTS = {
  stdout: Array.from({ length: 6 }, (_, index) => `${`out ${index} `.padEnd(1500, "o")}\n`),
  stderr: Array.from({ length: 6 }, (_, index) => `err ${index}\n`),
} as const;

/** A pump that is started again whenever it is killed, as whoever keeps containers does. */
class KeptPump {
  readonly #bench: PumpBench;
  readonly #options: Partial<LogPumpOptions>;
  /** How often it was lost. */
  losses = 0;
  /** Resolves when one of them has ended by itself. */
  readonly ended: Promise<void>;

  private constructor(bench: PumpBench, options: Partial<LogPumpOptions>, first: LogPump | undefined) {
    this.#bench = bench;
    this.#options = options;
    this.ended = this.#keep(first);
  }

  /** With the first program changed. */
  static async start(bench: PumpBench, options: Partial<LogPumpOptions>): Promise<KeptPump> {
    const first = await bench.start(options).catch(() => undefined);
    bench.mutate = (program) => program;
    // Who does not get to the end of its start is started again before there is a container.
    const kept = new KeptPump(bench, options, first ?? (await bench.start(options)));
    if (first === undefined) kept.losses++;
    return kept;
  }

  async #keep(pump: LogPump | undefined): Promise<void> {
    for (let current = pump; (await current?.ended) === "lost"; ) {
      this.losses++;
      current = await this.#bench.start({ ...this.#options, resume: this.#bench.hadWriters });
    }
  }
}

/** Reads along until all of `text` has come, and returns when it has. */
async function awaitBytes(bench: PumpBench, count: number): Promise<void> {
  let seen = 0;
  for await (const { data } of readLog(bench.file, { follow: true, raw: true })) {
    seen += data.length;
    if (seen >= count) return;
  }
}

/** Writes the parts in turn, waits until they are in the log, and lets go of the streams. */
async function writeParts(bench: PumpBench): Promise<void> {
  const writers = STREAMS.map((name) => bench.writer(name)) as [FifoWriter, FifoWriter];
  for (const index of PARTS.stdout.keys()) {
    for (const [number, name] of STREAMS.entries()) await writers[number]?.write(PARTS[name][index] ?? "");
  }
  await awaitBytes(bench, [...PARTS.stdout, ...PARTS.stderr].join("").length);
  for (const writer of writers) writer.close();
}

async function programOf(options: Partial<LogPumpOptions>): Promise<Program> {
  await using bench = new PumpBench();
  let found: Program | undefined;
  bench.mutate = (program) => {
    found = program;
    return program;
  };
  const pump = await bench.start(options);
  for (const name of STREAMS) bench.writer(name).close();
  await pump.ended;
  assert(found !== undefined);
  return found;
}

async function inBatches<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += BATCH) await Promise.all(all.slice(at, at + BATCH).map(work));
}

/** Memory is given back only where it is known what is executed before. */
function canBeBroken(program: Program, index: number): boolean {
  return !stepAt(program, index).action.startsWith("give back");
}

function loopStart(program: Program): number {
  return program.instructions.findIndex((_, index) => !canBeBroken(program, index));
}

async function killEach(t: TestContext, pass: number): Promise<void> {
  const zygote = Zygote.start();
  t.after(() => zygote.close());
  const program = await programOf(OPTIONS);
  // What comes before the loop is executed once.
  const first = pass === 1 ? 0 : loopStart(program);
  const indices = [...program.instructions.keys()].filter((index) => index >= first && canBeBroken(program, index));
  let killed = 0;
  await inBatches(indices, async (index) => {
    await using bench = new PumpBench(zygote);
    bench.mutate = (made) => killAtPass(made, index, pass);
    const kept = await KeptPump.start(bench, OPTIONS);
    await writeParts(bench);
    await kept.ended;
    killed += kept.losses;
    const where = `killed at ${index}: ${stepAt(program, index).action}`;
    for (const name of STREAMS) {
      const text = await bench.text(name);
      assert.ok(text === PARTS[name].join(""), `${where}: ${text.length} bytes of ${name}`);
    }
  });
  t.diagnostic(`${killed} of ${indices.length} were killed`);
  assert.ok(killed > 0);
}

suite("a log pump", { timeout }, () => {
  for (const pass of [1, 4]) {
    test(`that is killed when it comes to an instruction for time ${pass} loses and repeats nothing`, (t) =>
      killEach(t, pass));
  }

  test("that is killed again and again under full load loses and repeats nothing", async (t) => {
    await using bench = new PumpBench();
    const options = { terminal: true, maxSizeBytes: 400_000, maxFiles: 100 };
    const text = Array.from({ length: 400_000 }, (_, index) => `line ${index}\n`).join("");
    let pump = await bench.start(options);
    const writer = bench.writer();
    const followed = bench.entries({ follow: true });
    let isWritten = false;
    const writing = writer.write(text).then(() => {
      isWritten = true;
    });
    let kills = 0;
    for (; !isWritten; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 1 + (kills % 7)));
      process.kill(pump.pid, "SIGKILL");
      assert.equal(await pump.ended, "lost");
      pump = await bench.start({ ...options, resume: true });
    }
    await writing;
    writer.close();
    assert.equal(await pump.ended, "ended");
    const lines = (await followed).map(({ data }) => data.toString());
    t.diagnostic(`${kills} kills`);
    assert.equal(lines.length, 400_000);
    assert.ok(lines.join("") === text);
    assert.ok((await bench.text()) === text);
  });

  test("tells a failure of its start, and leaves nobody behind", async () => {
    const program = await programOf(OPTIONS);
    const indices = [...program.instructions.keys()].slice(0, loopStart(program));
    let failed = 0;
    await inBatches(
      indices.filter((index) => program.instructions[index]?.op === "syscall"),
      async (index) => {
        await using bench = new PumpBench();
        bench.mutate = (made) => failAt(made, index, "EIO");
        try {
          await bench.start(OPTIONS);
        } catch (error) {
          failed++;
          assert.match(String(error), /^OrlopError: Cannot .*: input\/output error$/);
        }
      },
    );
    assert.ok(failed > 10, `${failed} failed`);
  });

  test("drops what it cannot write, counts it, and goes on, whichever call fails", async (t) => {
    const program = await programOf(OPTIONS);
    const canFail = (index: number): boolean => {
      const { op, errnos } = program.instructions[index] ?? {};
      const { action } = stepAt(program, index);
      return op === "syscall" && errnos !== "any" && /^(write down|rotate)/.test(action);
    };
    const indices = [...program.instructions.keys()].filter((index) => index > loopStart(program) && canFail(index));
    assert.ok(indices.length > 8);
    let incomplete = 0;
    await inBatches(indices, async (index) => {
      await using bench = new PumpBench();
      bench.mutate = (made) => failAt(made, index, "ENOSPC");
      const pump = await bench.start(OPTIONS);
      for (const name of STREAMS) {
        const writer = bench.writer(name);
        for (const part of PARTS[name]) await writer.write(part);
        writer.close();
      }
      // Where not even the end can be written, only the removal of the log ends the waiting for room.
      const ended = await Promise.race([pump.ended, new Promise((resolve) => setTimeout(resolve, 1500, "waits"))]);
      let logged = 0;
      let dropped = 0n;
      for (const entry of await bench.entries({ raw: true })) {
        logged += entry.data.length;
        dropped += entry.droppedBytes ?? 0n;
      }
      const all = [...PARTS.stdout, ...PARTS.stderr].join("").length;
      const where = `${index}: ${stepAt(program, index).action}`;
      if (ended === "ended") assert.equal(BigInt(logged) + dropped, BigInt(all), where);
      else {
        incomplete++;
        for (const name of readdirSync(bench.directory)) {
          if (name.startsWith("log")) rmSync(join(bench.directory, name));
        }
        assert.equal(await pump.ended, "ended", where);
      }
    });
    t.diagnostic(`${incomplete} of ${indices.length} had no end`);
  });
});
