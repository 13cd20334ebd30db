import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type CheckpointOptions, type CreateRequest, OrlopError, type Runtime } from "@orlop/core";
import type { Engine } from "../engine.ts";
import { EngineFixture, newContainer } from "../engine-fixture.ts";

const ROOT = { kind: "directory", path: "/", writable: true } as const;

/** A container that runs, and a runtime that saves nothing. */
async function running(fixture: EngineFixture, engine: Engine): Promise<string> {
  const { runtime } = fixture;
  const saving: Pick<Runtime, "checkpoint" | "restore"> = {
    async checkpoint(id: string, { imagePath, leaveRunning }: CheckpointOptions): Promise<void> {
      writeFileSync(join(imagePath, "images"), id);
      if (leaveRunning !== true) runtime.end(id, 137);
    },
    async restore(request: CreateRequest, { imagePath, connect }) {
      assert.ok(existsSync(join(imagePath, "images")));
      await runtime.create(request);
      await connect?.(1);
      await runtime.start(request.id);
      return await runtime.state(request.id);
    },
  };
  Object.assign(runtime, saving);
  const { id } = await engine.create("box", async () => newContainer({ root: ROOT, restart: { name: "always" } }));
  await engine.start(id);
  return id;
}

describe("a checkpoint of the engine's", () => {
  test("ends a container, which its policy does not start, and is taken by the restore", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const id = await running(fixture, engine);
    const { state } = await engine.checkpoint("box");
    assert.deepEqual([state.status, state.exitCode, state.isStoppedByUser], ["exited", 137, true]);
    assert.deepEqual(await fixture.open().checkpoints("box"), ["checkpoint"]);
    await assert.rejects(engine.checkpoint("box"), { code: "conflict", message: /it is exited/ });
    assert.equal((await engine.restore("box")).state.status, "running");
    assert.deepEqual(await engine.checkpoints("box"), []);
    await assert.rejects(engine.restore("box"), { code: "not-found" });
    assert.equal((await engine.find(id)).state.isStoppedByUser, false);
  });

  test("of a name stays until it is removed, and is written over only when that is asked for", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await running(fixture, engine);
    await engine.checkpoint("box", { name: "one", leaveRunning: true });
    assert.equal((await engine.find("box")).state.status, "running");
    await assert.rejects(engine.checkpoint("box", { name: "one" }), { code: "exists" });
    await engine.checkpoint("box", { name: "one", replace: true });
    await engine.restore("box", { name: "one", keep: true });
    await engine.removeCheckpoint("box", { name: "one" });
    await assert.rejects(engine.removeCheckpoint("box", { name: "one" }), { code: "not-found" });
    await assert.rejects(engine.checkpoint("box", { name: "../one" }), { code: "invalid" });
  });

  test("that fails changes nothing, an older one included", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const id = await running(fixture, engine);
    await engine.checkpoint("box", { leaveRunning: true });
    fixture.runtime.checkpoint = async () => {
      throw new OrlopError("failed", "criu says no");
    };
    await assert.rejects(engine.checkpoint("box", { replace: true }), /criu says no/);
    const { state } = await engine.find("box");
    assert.deepEqual([state.status, state.isStoppedByUser], ["running", false]);
    assert.deepEqual(await engine.checkpoints("box"), ["checkpoint"]);
    assert.deepEqual(readdirSync(join(fixture.directory, "containers", id, "checkpoints")), ["checkpoint"]);
  });

  test("is refused where it could not be restored, before anything is ended", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    for (const [name, changes] of [
      ["host", { root: { kind: "host" } }],
      ["gone", { root: ROOT, autoRemove: true }],
      ["init", { root: ROOT, init: true }],
    ] as const) {
      await engine.create(name, async () => newContainer(changes));
      await engine.start(name);
      await assert.rejects(engine.checkpoint(name), { code: "unsupported" });
      assert.equal((await engine.find(name)).state.status, "running");
    }
  });

  test("is not restored by a runtime that cannot", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await running(fixture, engine);
    await engine.checkpoint("box");
    Object.assign(fixture.runtime, { restore: undefined });
    await assert.rejects(engine.restore("box"), { code: "unsupported", message: /runtime "fake" cannot/ });
    assert.equal((await engine.find("box")).state.status, "exited");
  });
});
