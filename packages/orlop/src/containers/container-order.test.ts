import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { inRemovalOrder, inStartOrder, withDependents } from "./container-order.ts";

test("what shares with another one is started after it, whatever their order, and once", async () => {
  const containers: Readonly<Record<string, Partial<Container>>> = {
    network: { network: { kind: "container", id: "id-donor" } },
    missing: { namespaces: { ipc: { container: "id-gone" } } },
    pid: { namespaces: { pid: { container: "id-network" } } },
    donor: {},
  };
  const find = async (name: string): Promise<Container> =>
    ({ id: `id-${name}`, network: { kind: "none" }, ...containers[name] }) as Container;
  const started: string[] = [];
  const names = Object.keys(containers);
  const start = await inStartOrder({ find }, names, async (name) => {
    await Promise.resolve();
    started.push(name);
    if (name === "donor") throw new OrlopError("failed", "it cannot be started");
  });
  const results = await Promise.allSettled(names.map(start));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "rejected"],
  );
  assert.deepEqual(
    started.filter((name) => name !== "missing"),
    ["donor", "network", "pid"],
  );
  assert.equal(started.length, names.length);
});

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

test("those that cannot be without others are found at any distance, once, and named behind them", async () => {
  const requires: Readonly<Record<string, readonly string[]>> = {
    a: [],
    b: ["id-a"],
    c: ["id-b", "id-a"],
    d: ["id-x"],
  };
  const containers = Object.entries(requires).map(
    ([name, ids]) => ({ name, id: `id-${name}`, requires: ids }) as Container,
  );
  const find = async (name: string): Promise<Container> => {
    const found = containers.find((each) => each.name === name);
    if (found === undefined) throw new OrlopError("not-found", `No such container: ${name}`);
    return found;
  };
  const engine = { find, list: async () => containers };
  assert.deepEqual(await withDependents(engine, ["a", "missing"]), ["a", "missing", "b", "c"]);
  assert.deepEqual(await withDependents(engine, ["c", "a"]), ["c", "a", "b"]);
  assert.deepEqual(await withDependents(engine, ["d"]), ["d"]);
});
