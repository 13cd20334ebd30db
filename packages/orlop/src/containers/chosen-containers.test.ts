import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { temporaryDirectory } from "@orlop/testkit";
import { parseFlags } from "../flags/parse-flags.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { chosenContainers, containersThere, IGNORE, SHORT_CHOICE_FLAGS } from "./chosen-containers.ts";
import type { ContainerCall } from "./container-verb.ts";

const CONTAINERS = [
  containerOf({ name: "web", labels: { tier: "front" } }, { status: "running" }),
  containerOf({ name: "db" }, { status: "running" }),
  containerOf({ name: "old", labels: { tier: "front" } }, { status: "exited" }),
];

const runs = ({ state }: Container): boolean => state.status === "running";

async function chosen(args: readonly string[], containers = CONTAINERS): Promise<readonly string[] | undefined> {
  const flags = parseFlags({ flags: [...SHORT_CHOICE_FLAGS, IGNORE], flagsAnywhere: true }, args);
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

test("the latest is the one made last, and no other beside it", async () => {
  assert.deepEqual(await chosen(["-l"]), [CONTAINERS[0]?.id]);
  await assert.rejects(chosen(["-l", "web"]), { code: "invalid" });
  await assert.rejects(chosen(["-l"], []), { code: "not-found", message: /there is no container/ });
});

test("a file says which, by its first line", async () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "id");
  writeFileSync(file, "1234abcd\nmore\n");
  assert.deepEqual(await chosen(["--cidfile", file, "web"]), ["web", "1234abcd"]);
  writeFileSync(file, "\n");
  await assert.rejects(chosen(["--cidfile", file]), { code: "invalid", message: /it is empty/ });
  await assert.rejects(chosen(["-a", "--cidfile", file]), { code: "invalid" });
  const missing = join(directory.path, "missing");
  await assert.rejects(chosen(["--cidfile", missing]), { code: "not-found" });
  assert.deepEqual(await chosen(["--ignore", "--cidfile", missing]), []);
});

test("those that are there are told from the others", async () => {
  const find = async (name: string) => {
    const found = CONTAINERS.find((each) => each.name === name);
    if (found === undefined) throw new OrlopError(name === "odd" ? "conflict" : "not-found", "none");
    return found;
  };
  assert.deepEqual(await containersThere({ find }, ["web", "nobody", "db"], false), ["web", "db"]);
  await assert.rejects(containersThere({ find }, ["odd"], false), { code: "conflict" });
});

test("all and names exclude each other", async () => {
  await assert.rejects(chosen(["-a", "web"]), { code: "invalid", message: /either all containers/ });
});
