import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { DaemonPlace } from "./daemon-place.ts";
import { DaemonServer } from "./daemon-server.ts";
import { sweepDaemonPlaces } from "./sweep-daemon-places.ts";

/** Times that a daemon starts while others sweep; with some ten of them the loss of its directory is met for certain. */
const STARTS = 30;

function placeIn(root: string, name: string): DaemonPlace {
  const directory = join(root, "state", `daemon-${name}`);
  return { bin: root, directory, socket: join(directory, "socket"), home: join(root, "orlop", name) };
}

test("a daemon starts while others start and sweep what looks forsaken", async () => {
  await withTemporaryDirectory(async (root) => {
    const place = placeIn(root, "starts");
    mkdirSync(join(root, "state"));
    let done = false;
    const sweeping = (async () => {
      while (!done) {
        await sweepDaemonPlaces(join(root, "state", "daemon-sweeps"));
        await new Promise(setImmediate);
      }
    })();
    try {
      for (let start = 0; start < STARTS; start++) {
        await using _server = await DaemonServer.listen(place, async () => {});
        assert.ok(existsSync(place.socket));
      }
    } finally {
      done = true;
      await sweeping;
    }
  });
});

test("a second daemon at one place, and a place that nobody can listen at, are refused", async () => {
  await withTemporaryDirectory(async (root) => {
    const place = placeIn(root, "one");
    await using _server = await DaemonServer.listen(place, async () => {});
    await assert.rejects(
      DaemonServer.listen(place, async () => {}),
      (error) => error instanceof OrlopError && error.code === "conflict" && /another daemon does/.test(error.message),
    );
    const other = placeIn(root, "other");
    mkdirSync(other.socket, { recursive: true });
    await assert.rejects(
      DaemonServer.listen(other, async () => {}),
      (error) => error instanceof OrlopError && error.code === "failed" && /Cannot listen at/.test(error.message),
    );
  });
});
