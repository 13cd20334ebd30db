import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { inRemovalOrder } from "./removal-order.ts";

test("what requires another one is removed before it, whatever their order, and once", async () => {
  const requires: Readonly<Record<string, readonly string[]>> = {
    a: [],
    b: ["id-a"],
    c: ["id-a", "id-b"],
    d: ["id-x"],
  };
  const find = async (name: string): Promise<Container> => {
    const required = requires[name];
    if (required === undefined) throw new OrlopError("not-found", `No such container: ${name}`);
    return { id: `id-${name}`, requires: required } as Container;
  };
  const removed: string[] = [];
  const names = ["a", "d", "missing", "b", "c"];
  const remove = await inRemovalOrder({ find }, names, async (name) => {
    await Promise.resolve();
    removed.push(name);
    if (name === "missing") await find(name);
  });
  const results = await Promise.allSettled(names.map(remove));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
  assert.deepEqual([...removed].sort(), [...names].sort());
  assert.deepEqual(
    removed.filter((name) => "abc".includes(name)),
    ["c", "b", "a"],
  );
});
