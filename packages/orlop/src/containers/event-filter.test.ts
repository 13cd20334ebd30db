import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineEvent } from "@orlop/engine";
import { parseEventFilters, suitsEvent } from "./event-filter.ts";

const event = (changes: Partial<EngineEvent>): EngineEvent => ({
  number: 1,
  atMs: 0,
  type: "container",
  action: "die",
  id: "ab".repeat(32),
  attributes: { name: "web", image: "busybox", team: "a" },
  ...changes,
});

const suits = (filters: readonly string[], changes: Partial<EngineEvent> = {}): boolean =>
  suitsEvent(event(changes), parseEventFilters(filters));

test("events are those that all kinds of filters suit, and any of one kind", () => {
  assert.equal(suits(["container=web", "event=start", "event=die", "label=team=a", "image=busybox"]), true);
  assert.equal(suits(["container=abab", "type=container", "scope=local"]), true);
  assert.equal(suits(["label=team=a", "label=none"]), false);
  assert.equal(suits(["event=health_status"], { action: "health_status: healthy" }), true);
  assert.equal(suits(["volume=web"]), false);
});

test("of docker's kinds of things that there are none of nothing happens", () => {
  for (const name of ["config", "daemon", "node", "plugin", "secret", "service"]) {
    assert.equal(suits([`${name}=x`]), false, name);
  }
  assert.equal(suits(["scope=swarm"]), false);
  assert.throws(() => parseEventFilters(["colour=red"]), { code: "invalid", message: /there are container, / });
});
