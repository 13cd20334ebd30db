import assert from "node:assert/strict";
import { test } from "node:test";
import { Depot } from "../store/open-depot.ts";
import { keepImage } from "./keep-image.ts";
import { TestShelf } from "./shelf-fixture.ts";

test("an image that is kept outlasts its name, and goes with the next collection afterwards", async () => {
  using shelf = new TestShelf();
  const { target } = await shelf.add({ names: ["docker.io/library/app:1"], layers: [9000] });
  await using depot = new Depot(shelf.root);
  const name = "docker.io/library/app:1";
  const kept = await keepImage(depot, { name, target }, "push");
  await depot.images.delete(name);
  await depot.collectGarbage();
  assert.equal((await Array.fromAsync(depot.content.list())).length, 3);
  await kept[Symbol.asyncDispose]();
  await depot.collectGarbage();
  assert.equal((await Array.fromAsync(depot.content.list())).length, 0);
  const expected = { code: "not-found", message: `Cannot push image "${name}": it is not there, or damaged` };
  await assert.rejects(keepImage(depot, { name, target }, "push"), expected);
  assert.deepEqual(await depot.leases.list(), []);
});
