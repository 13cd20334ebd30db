import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EngineFixture, newContainer } from "./engine-fixture.ts";
import { ContainerRows } from "./state/container-rows.ts";

const COUNT = 10_000;

/** The id of one of many, as random as ids are. */
function idOf(number: number): string {
  return ((number * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, "0").repeat(8);
}

/** As many as nobody makes one by one in a test. */
function fill(fixture: EngineFixture): void {
  const database = fixture.database();
  const rows = new ContainerRows(database);
  database.transaction(() => {
    for (let number = 0; number < COUNT; number++) {
      const { description, spec } = newContainer({
        labels: { number: String(number) },
        ...(number % 1000 === 1 ? { requires: [idOf(number - 1)] } : {}),
        ...(number % 1000 === 2 ? { volumes: [{ name: "shared", destination: "/v", isAnonymous: false }] } : {}),
      });
      rows.insert({ ...description, id: idOf(number), name: `box${number}`, createdAtMs: number }, spec);
    }
  });
}

test(`among ${COUNT} containers each is found, started, listed and removed as if it were alone`, async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  assert.deepEqual(await engine.list(), []);
  fill(fixture);
  assert.equal((await engine.list()).length, COUNT);
  assert.equal((await engine.list())[0]?.name, `box${COUNT - 1}`);
  assert.deepEqual(await engine.list({ isActive: true }), []);
  assert.equal((await engine.find("box77")).labels.number, "77");
  assert.equal((await engine.find(idOf(4711).slice(0, 9))).name, "box4711");
  await assert.rejects(engine.find(idOf(4711).slice(0, 1)), { code: "conflict", message: /Try more digits/ });

  await engine.start(idOf(4711).slice(0, 12));
  assert.deepEqual(
    (await engine.list({ isActive: true })).map(({ name, state }) => [name, state.status]),
    [["box4711", "running"]],
  );
  await engine.remove("box4711", { force: true });

  await assert.rejects(engine.remove("box3000"), { code: "conflict", message: /others require it: box3001/ });
  await engine.remove("box3000", { dependents: true });
  await assert.rejects(engine.find("box3001"), { code: "not-found" });
  assert.deepEqual(engine.volumes.users("shared").length, COUNT / 1000);
  assert.deepEqual(engine.volumes.users("hare"), []);

  // There are fewer names than containers.
  const names = new Set<string>();
  for (let i = 0; i < 50; i++) names.add((await engine.create(undefined, async () => newContainer())).name);
  assert.equal(names.size, 50);
  assert.deepEqual(readdirSync(join(fixture.directory, "unmade")), []);
});

test("a name is found when all short ones are taken", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const first = await engine.create(undefined, async () => newContainer());
  const rows = new ContainerRows(fixture.database());
  const taken = new Set([first.name]);
  // As if every name of two words were somebody's.
  const named = ContainerRows.prototype.named;
  ContainerRows.prototype.named = (name) => (/^[a-z]+_[a-z]+$/.test(name) ? first : named.call(rows, name));
  try {
    for (let i = 0; i < 20; i++) taken.add((await engine.create(undefined, async () => newContainer())).name);
  } finally {
    ContainerRows.prototype.named = named;
  }
  assert.equal(taken.size, 21);
});
