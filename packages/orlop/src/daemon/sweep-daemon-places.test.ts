import assert from "node:assert/strict";
import { once } from "node:events";
import { linkSync, mkdirSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { sweepDaemonPlaces } from "./sweep-daemon-places.ts";

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, "listening");
  return server;
}

test("what a killed daemon has left goes, and what lives or is no daemon's stays", async () => {
  await withTemporaryDirectory(async (directory) => {
    for (const name of ["daemon-own", "daemon-dead", "daemon-lives", "daemon-starts", "containers"]) {
      mkdirSync(join(directory, name));
    }
    const dead = await listen(join(directory, "daemon-dead/first"));
    // A server removes its own name when it ends, and leaves others as one that is killed does.
    linkSync(join(directory, "daemon-dead/first"), join(directory, "daemon-dead/socket"));
    dead.close();
    await once(dead, "close");
    const living = [
      await listen(join(directory, "daemon-lives/socket")),
      await listen(join(directory, "daemon-starts/socket.7")),
    ];
    await sweepDaemonPlaces(join(directory, "daemon-own"));
    for (const server of living) server.close();
    assert.deepEqual(readdirSync(directory).sort(), ["containers", "daemon-lives", "daemon-own", "daemon-starts"]);
  });
});
