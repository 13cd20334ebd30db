import assert from "node:assert/strict";
import { test } from "node:test";
import { type Endpoint, RLIM_INFINITY } from "@orlop/core";
import { EngineFixture, newContainer } from "../engine-fixture.ts";
import { type Container, ContainerRows, type ContainerState } from "./container-rows.ts";

const ENDPOINT: Endpoint = {
  ...{
    id: "a",
    network: "bridge",
    interfaceName: "eth0",
    addresses: [],
    hardwareAddress: "",
    gateways: [],
    routes: [],
  },
  ...{ resolvers: { servers: [], search: [], options: [] }, names: [], ports: [], egress: "all", labels: {} },
};

function rowsOf(fixture: EngineFixture): { readonly rows: ContainerRows; readonly change: (work: () => void) => void } {
  fixture.open();
  const database = fixture.database();
  return { rows: new ContainerRows(database), change: (work) => database.transaction(work) };
}

function add(rows: ContainerRows, id: string, createdAtMs: number): void {
  const { description, spec } = newContainer();
  rows.insert({ ...description, id, name: `box-${id}`, createdAtMs }, spec);
}

function state(rows: ContainerRows, id: string, changes: Partial<ContainerState>): void {
  const { state: known } = rows.get(id) as Container;
  rows.setState(id, { ...known, ...changes });
}

test("a list is the same object until anybody changes anything, and then has the same containers but for that", () => {
  using fixture = new EngineFixture();
  const { rows, change } = rowsOf(fixture);
  const other = rowsOf(fixture);
  for (const [at, id] of ["a", "b", "c"].entries()) change(() => add(rows, id, at));
  const first = rows.list();
  assert.deepEqual(
    first.map(({ id }) => id),
    ["c", "b", "a"],
  );
  assert.equal(rows.list(), first);
  const running = rows.unsettled();
  assert.deepEqual(running, []);
  assert.equal(rows.unsettled(), running);

  other.change(() => state(other.rows, "b", { status: "running", pid: 7 }));
  const second = rows.list();
  assert.deepEqual([second[0], second[2]], [first[0], first[2]]);
  assert.equal(second[0], first[0]);
  assert.equal(second[1]?.state.pid, 7);
  assert.deepEqual(
    rows.unsettled().map(({ id }) => id),
    ["b"],
  );

  change(() => rows.delete("c"));
  other.change(() => add(other.rows, "d", 9));
  assert.deepEqual(
    rows.list().map(({ id }) => id),
    ["d", "b", "a"],
  );
});

test("what a transaction has changed and undone is in no list afterwards", () => {
  using fixture = new EngineFixture();
  const { rows, change } = rowsOf(fixture);
  change(() => add(rows, "a", 1));
  const before = rows.list();
  const failing = (): void =>
    change(() => {
      state(rows, "a", { status: "running" });
      assert.equal(rows.list()[0]?.state.status, "running");
      assert.equal(rows.unsettled().length, 1);
      throw new Error("stop");
    });
  assert.throws(failing, /stop/);
  assert.deepEqual(rows.list(), before);
  assert.deepEqual(rows.unsettled(), []);
});

test("a container and its spec are read as they were written, with numbers that no double holds", () => {
  using fixture = new EngineFixture();
  const { rows, change } = rowsOf(fixture);
  const { description, spec } = newContainer();
  const rlimits = [{ type: "RLIMIT_MEMLOCK", soft: 2n ** 63n, hard: RLIM_INFINITY }] as const;
  const process = { ...description.process, rlimits };
  const unlimited = { ...spec, process: { ...process, args: ["true"] } };
  const check = (): void => {
    assert.deepEqual(rows.get("a")?.process.rlimits, rlimits);
    assert.deepEqual(rows.spec("a"), unlimited);
  };
  change(() => rows.insert({ ...description, id: "a", name: "box", createdAtMs: 1, process }, unlimited));
  check();
  change(() => rows.setDescription({ ...description, id: "a", name: "other", createdAtMs: 1, process }));
  change(() => rows.setSpec("a", unlimited));
  check();
});

test("some container is on a network as long as one that runs is", () => {
  using fixture = new EngineFixture();
  const { rows, change } = rowsOf(fixture);
  change(() => add(rows, "a", 1));
  assert.equal(rows.hasConnected(), false);
  for (const status of ["starting", "running", "paused"] as const) {
    change(() => state(rows, "a", { status, endpoints: [ENDPOINT] }));
    assert.equal(rows.hasConnected(), true, status);
    change(() => state(rows, "a", { status, endpoints: [] }));
    assert.equal(rows.hasConnected(), false, status);
  }
  for (const status of ["exited", "removing", "created"] as const) {
    change(() => state(rows, "a", { status, endpoints: [ENDPOINT] }));
    assert.equal(rows.hasConnected(), false, status);
  }
});
