import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenContainers } from "../golden/golden-containers-fixture.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";

const { web } = goldenContainers(Date.now());
const idle = containerOf({ name: "idle" }, {});
const named = (...filters: readonly string[]): readonly string[] =>
  filterContainers([web.container, idle], parseContainerFilters(filters)).map(({ name }) => name);

test("containers are those with a port outside, or one inside", () => {
  assert.deepEqual(named("publish=8080"), ["web"]);
  assert.deepEqual(named("publish=80"), []);
  assert.deepEqual(named("publish=8000-9000/tcp"), ["web"]);
  assert.deepEqual(named("publish=8080/udp"), []);
  assert.deepEqual(named("expose=80/tcp"), ["web"]);
  assert.deepEqual(named("expose=50-60/udp"), []);
  assert.deepEqual(named("expose=53/udp", "publish=8080"), ["web"]);
  assert.deepEqual(named("publish=5001/udp"), ["web"]);
  assert.throws(() => named("publish=many"), { code: "invalid" });
});

test("containers are those with a volume, by its name or its place, and none of a swarm's", () => {
  assert.deepEqual(named("volume=data"), ["web"]);
  assert.deepEqual(named("volume=/data"), ["web"]);
  assert.deepEqual(named("volume=other"), []);
  assert.deepEqual(named("is-task=true"), []);
  assert.deepEqual(named("is-task=false"), ["web", "idle"]);
  assert.throws(() => named("is-task=maybe"), { code: "invalid", message: /true or false/ });
});
