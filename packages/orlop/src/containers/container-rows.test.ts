import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { test } from "node:test";
import type { Snapshotter } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { valueJson } from "../format/template/value-json.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { containerRow } from "./container-rows.ts";
import { containerSize } from "./container-size.ts";
import { parseOrder } from "./sort-containers.ts";

const OPTIONS = { nowMs: Date.UTC(2026, 0, 3), isWhole: false };
const ROOT: Container["root"] = {
  kind: "snapshot",
  snapshotter: "overlay",
  key: "top",
  store: "/s",
  manifest: { mediaType: "m", digest: `sha256:${"0".repeat(64)}`, size: 1 },
};

/** Snapshots on top of each other, with what each takes. */
function depotOf(chain: readonly (readonly [key: string, parent: string | undefined, sizeBytes: number])[]) {
  const find = (key: string) => {
    const found = chain.find(([each]) => each === key);
    assert.ok(found);
    return found;
  };
  const snapshotter = {
    usage: async (key: string) => ({ sizeBytes: find(key)[2], inodes: 1 }),
    stat: async (key: string) => ({ parent: find(key)[1] }),
  };
  return { snapshotterOf: async () => snapshotter as unknown as Snapshotter };
}

test("a container takes what it has written, and with it the layers below", async () => {
  const depot = depotOf([
    ["top", "second", 5],
    ["second", "first", 1000],
    ["first", undefined, 20_000],
  ]);
  assert.deepEqual(await containerSize(depot, containerOf({ root: ROOT }, {})), { rwBytes: 5, rootFsBytes: 21_005 });
  assert.deepEqual(await containerSize(depot, containerOf({}, {})), { rwBytes: 0, rootFsBytes: 0 });
});

test("a row has podman's fields where a template names them, and not where all are told", () => {
  const container = containerOf({ pod: { id: "ab".repeat(32) } }, { status: "running", pid: process.pid });
  const row = containerRow(container, { ...OPTIONS, podNames: new Map([["ab".repeat(32), "web"]]) });
  assert.deepEqual(
    ["Pod", "PodName", "Pid", "NET"].map((name) => row.get(name)),
    ["abababababab", "web", process.pid, /\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0]],
  );
  assert.equal("PodName" in JSON.parse(valueJson(row)), false);
  assert.equal(containerRow(containerOf({}, {}), OPTIONS).get("NET"), "");
});

test("containers stand in the order that is asked for", () => {
  const early = containerOf({ name: "z", createdAtMs: 1 }, { status: "running", startedAtMs: 5 });
  const late = containerOf({ name: "a", createdAtMs: 2 }, { status: "exited", startedAtMs: 4 });
  const sorted = (order: string): readonly string[] =>
    [late, early]
      .map((container) => ({ container, size: { rwBytes: 0, rootFsBytes: container === late ? 1 : 2 } }))
      .sort(parseOrder(order))
      .map(({ container }) => container.name);
  for (const order of ["created", "runningfor"]) assert.deepEqual(sorted(order), ["z", "a"], order);
  for (const order of ["names", "size", "status"]) assert.deepEqual(sorted(order), ["a", "z"], order);
  assert.throws(() => parseOrder("toString"), { code: "invalid" });
});
