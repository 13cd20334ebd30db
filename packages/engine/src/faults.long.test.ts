import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { hookDiskCalls } from "@orlop/testkit";
import type { Engine } from "./engine.ts";
import { EngineFixture, newContainer } from "./engine-fixture.ts";

/** Only there to end a test that never comes to the end of its calls. */
const CALLS_MAX = 400;
/** One in so many calls fails, once: each change is made by at least as many. */
const STEP = 3;

type Fault = "ENOSPC" | "EIO" | "SQLITE_BUSY";
const SQLITE_CODES: Readonly<Record<Fault, number>> = { ENOSPC: 13, EIO: 10, SQLITE_BUSY: 5 };

/** As node:fs and node:sqlite throw it. */
function faultOf(call: string, fault: Fault): Error {
  if (call === "exec" || call === "run") {
    return Object.assign(new Error(call), { code: "ERR_SQLITE_ERROR", errcode: SQLITE_CODES[fault] });
  }
  return Object.assign(new Error(`${fault}: ${call}`), { code: fault, syscall: call, errno: -1 });
}

/** A life: with a failure anywhere in it the container is what it was, or what it was to be. */
async function live(engine: Engine): Promise<void> {
  const { id } = await engine.create("box", async () => newContainer());
  await engine.start(id);
  await engine.pause(id);
  await engine.resume(id);
  await engine.rename(id, "crate");
  await engine.stop(id, { timeoutMs: 0 });
  await engine.remove(id);
}

/** Whether the life came to its end before that call. */
async function liveWithFault(fixture: EngineFixture, failing: number, fault: Fault): Promise<boolean> {
  let calls = 0;
  const engine = fixture.open();
  using _hooked = await hookDiskCalls((call) => {
    const counts = fault !== "SQLITE_BUSY" || call === "exec" || call === "run";
    if (counts && ++calls === failing) throw faultOf(call, fault);
  });
  try {
    await live(engine);
    return calls < failing;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    const isTold = error instanceof OrlopError ? code === "exhausted" || code === "failed" : code === fault;
    assert.ok(isTold, `call ${failing}: ${String(error)}`);
    return false;
  }
}

for (const fault of ["ENOSPC", "EIO", "SQLITE_BUSY"] as const) {
  test(`${fault} from any call leaves containers that can be listed and removed, and nothing else`, async () => {
    let failures = 0;
    for (let failing = 1; ; failing += STEP) {
      assert.ok(failing < CALLS_MAX, "there are ever more calls");
      using fixture = new EngineFixture();
      mkdirSync(join(fixture.directory, "run/streams"), { recursive: true });
      if (await liveWithFault(fixture, failing, fault)) break;
      failures += 1;
      const engine = fixture.open();
      for (const { id } of await engine.list()) await engine.remove(id, { force: true });
      // Whoever makes one sweeps up after those that did not come about.
      await live(engine);
      assert.deepEqual(await engine.list(), [], `call ${failing}`);
      assert.deepEqual([...fixture.runtime.runs.keys()], [], `call ${failing}`);
      assert.deepEqual(readdirSync(join(fixture.directory, "containers")), [], `call ${failing}`);
    }
    assert.ok(failures > 20 / STEP, `only ${failures} calls failed`);
  });
}
