import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { patience } from "@orlop/testkit";
import { failAt, stepAt } from "../process/faulty-program-fixture.ts";
import { inBatches, loopStart, OPTIONS, PARTS, programOf, STREAMS } from "./log-pump-faults-fixture.ts";
import { PumpBench } from "./log-pump-fixture.ts";

const timeout = patience(120_000);

suite("a log pump", { timeout }, () => {
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
