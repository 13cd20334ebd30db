import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture, newContainer } from "../engine-fixture.ts";

test("what a container requires is started before it, and not removed before it", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const one = await engine.create("one", async () => newContainer());
  const two = await engine.create("two", async () => newContainer({ requires: [one.id] }));
  const three = await engine.create("three", async () => newContainer({ requires: [two.id] }));
  await engine.start("three");
  assert.deepEqual([...fixture.runtime.runs.keys()], [one.id, two.id, three.id]);
  await assert.rejects(engine.remove("one", { force: true }), {
    code: "conflict",
    message: /others require it: two\n/,
  });
  await engine.remove("one", { force: true, dependents: true });
  assert.deepEqual(await engine.list(), []);
});
