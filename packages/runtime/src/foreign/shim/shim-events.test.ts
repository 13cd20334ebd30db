import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { outOfMemory } from "../../process/out-of-memory.ts";
import { EVENTS_API } from "../../shim-protocol/events-api.ts";
import { TtrpcClient } from "../../ttrpc/ttrpc-client.ts";
import { eventsSocket, hearEvents, writePublisher } from "./shim-events.ts";

describe("the events of a shim", () => {
  test("are taken from its connection, and lack of memory is kept", async () => {
    using directory = temporaryDirectory();
    const events = await hearEvents(directory.path);
    const client = await TtrpcClient.connect(eventsSocket(directory.path));
    await client.call(EVENTS_API, "Forward", { envelope: { topic: "/tasks/start" } });
    assert.equal(outOfMemory(directory.path), false);
    await client.call(EVENTS_API, "Forward", { envelope: { topic: "/tasks/oom" } });
    assert.equal(outOfMemory(directory.path), true);
    client.close();
    await events[Symbol.asyncDispose]();
    assert.equal(existsSync(eventsSocket(directory.path)), false);
  });

  test("are taken from the program that older shims call, too, in the directory of their bundle", () => {
    using directory = temporaryDirectory();
    const bundle = join(directory.path, "bundle", "id");
    mkdirSync(bundle, { recursive: true });
    const program = writePublisher(directory.path);
    const publish = (topic: string): number | null => {
      const args = ["--address", "/a", "publish", "--topic", topic, "--namespace", "orlop"];
      return spawnSync(program, args, { cwd: bundle, input: "event" }).status;
    };
    assert.equal(publish("/tasks/exit"), 0);
    assert.equal(outOfMemory(directory.path), false);
    assert.equal(publish("/tasks/oom"), 0);
    assert.equal(readFileSync(join(directory.path, "memory"), "utf8"), "oom_kill 1\n");
  });

  test("have no socket whose path the kernel would cut off", () => {
    assert.throws(() => eventsSocket(`/run/${"x".repeat(100)}`), {
      code: "invalid",
      message: /^Cannot hear events at /,
    });
  });
});
