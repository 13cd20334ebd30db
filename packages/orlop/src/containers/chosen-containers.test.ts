import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "@orlop/engine";
import { parseFlags } from "../flags/parse-flags.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { CHOICE_FLAGS, chosenContainers } from "./chosen-containers.ts";
import type { ContainerCall } from "./container-verb.ts";

const CONTAINERS = [
  containerOf({ name: "web", labels: { tier: "front" } }, { status: "running" }),
  containerOf({ name: "db" }, { status: "running" }),
  containerOf({ name: "old", labels: { tier: "front" } }, { status: "exited" }),
];

const runs = ({ state }: Container): boolean => state.status === "running";

async function chosen(args: readonly string[], containers = CONTAINERS): Promise<readonly string[] | undefined> {
  const flags = parseFlags({ flags: CHOICE_FLAGS, flagsAnywhere: true }, args);
  const engine = { list: async () => containers };
  return await chosenContainers({ flags, engine } as unknown as ContainerCall, runs);
}

test("those that are named are chosen, whatever they do", async () => {
  assert.deepEqual(await chosen(["old", "nobody"]), ["old", "nobody"]);
});

test("all are those that the verb makes sense for", async () => {
  assert.deepEqual((await chosen(["-a"]))?.toSorted(), ["db", "web"]);
  assert.equal(await chosen(["--all"], []), undefined);
});

test("a filter chooses of all", async () => {
  assert.deepEqual(await chosen(["--filter", "label=tier=front"]), ["web"]);
  await assert.rejects(chosen(["--filter", "nothing=1"]), { code: "invalid" });
});

test("all and names exclude each other", async () => {
  await assert.rejects(chosen(["-a", "web"]), { code: "invalid", message: /either all containers/ });
});
