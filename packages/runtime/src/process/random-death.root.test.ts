import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { ContainerDirectory } from "./container-directory.ts";
import { startMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

/** `ORLOP_TEST_SEED` repeats the moments, as far as a busy machine lets one; the seed is printed. */
const seed = Number(process.env.ORLOP_TEST_SEED ?? Date.now() % 1_000_000);
let state = seed >>> 0;

/** A number from 0 up to `limit`: a linear congruential generator with the constants of Numerical Recipes. */
function random(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state / 2 ** 32) * limit;
}

const ROUNDS = 12;
const CONTAINERS = 6;

async function assertClear(attempt: Promise<unknown>): Promise<void> {
  const error = await bounded("the attempt", attempt).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return;
  assert(error instanceof OrlopError, String(error));
  assert.match(error.message, /^Cannot /);
}

async function life(bench: ProcessBench, detached: boolean): Promise<void> {
  const request = bench.request("exit 0", { request: { detached } });
  await bench.runtime.create(request);
  await bench.runtime.start(request.id);
  await bench.runtime.wait(request.id);
}

/** What a dead maker's containers leave in the state directory is known by name, also where there is no record. */
async function deleteAll(bench: ProcessBench): Promise<void> {
  ContainerDirectory.sweep(bench.stateDirectory, 0);
  for (const id of readdirSync(bench.stateDirectory)) {
    await bounded(`deleting ${id}`, bench.runtime.delete(id, { force: true }));
  }
  assert.deepEqual(readdirSync(bench.stateDirectory), []);
}

suite("at any moment", () => {
  test("the death of the zygote keeps nobody waiting and leaves nothing", (t) =>
    withBench(t, async (bench) => {
      t.diagnostic(`seed ${seed}`);
      for (let round = 0; round < ROUNDS; round++) {
        await bench.run("true");
        const { zygote } = bench;
        const lives = [...Array(CONTAINERS).keys()].map((index) => assertClear(life(bench, index % 2 === 0)));
        await sleep(random(40));
        process.kill(zygote.pid ?? 0, "SIGKILL");
        await bounded("the lives", Promise.all(lives));
        await until("the end of the zygote", () => (zygote.alive ? undefined : true));
        await deleteAll(bench);
      }
    }));

  for (const detached of [false, true]) {
    test(`the death of the maker of ${detached ? "detached" : "its own"} containers leaves nothing that cannot be deleted`, (t) =>
      withBench(t, async (bench) => {
        t.diagnostic(`seed ${seed}`);
        for (let round = 0; round < ROUNDS / 2; round++) {
          const requests = [...Array(CONTAINERS).keys()].map(() =>
            bench.request("sleep 1000", { request: { detached } }),
          );
          const maker = startMaker({ root: bench.stateDirectory, requests, upTo: round % 2 === 0 ? "create" : "run" });
          const first = bench.path(`state/${requests[0]?.id}`);
          await until("the first container", () => (existsSync(first) ? true : undefined));
          await sleep(random(80));
          const gone = once(maker, "exit");
          maker.kill("SIGKILL");
          await gone;
          for (const { id, status } of await bench.runtime.list()) {
            assert.ok(["creating", "created", "running", "stopped"].includes(status), `${id} is ${status}`);
          }
          await deleteAll(bench);
        }
      }));
  }
});
