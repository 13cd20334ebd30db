import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { Zygote } from "@orlop/kernel";
import { patience } from "@orlop/testkit";
import { killAtPass, stepAt } from "../process/faulty-program-fixture.ts";
import { canBeBroken, inBatches, loopStart, OPTIONS, PARTS, programOf, STREAMS } from "./log-pump-faults-fixture.ts";
import { type FifoWriter, PumpBench } from "./log-pump-fixture.ts";
import { readLog } from "./read-log.ts";
import type { LogPump, LogPumpOptions } from "./start-log-pump.ts";

const timeout = patience(120_000);

/** Of so many instructions every one is tried, by some run: which this one tries, the seed says. */
const STRIDE = 3;

/** `ORLOP_TEST_SEED` repeats a run; the seed is printed. */
const seed = Number(process.env.ORLOP_TEST_SEED ?? Date.now() % 1_000_000);

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

async function killEach(t: TestContext, pass: number): Promise<void> {
  const zygote = Zygote.start();
  t.after(() => zygote.close());
  const program = await programOf(OPTIONS);
  // What comes before the loop is executed once.
  const first = pass === 1 ? 0 : loopStart(program);
  const indices = [...program.instructions.keys()].filter(
    (index) => index >= first && index % STRIDE === seed % STRIDE && canBeBroken(program, index),
  );
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
  t.diagnostic(`${killed} of ${indices.length} were killed, seed ${seed}`);
  assert.ok(killed > 0);
}

suite("a log pump", { timeout }, () => {
  for (const pass of [1, 4]) {
    test(`that is killed when it comes to an instruction for time ${pass} loses and repeats nothing`, (t) =>
      killEach(t, pass));
  }
});
