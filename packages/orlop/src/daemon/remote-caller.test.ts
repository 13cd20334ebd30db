import assert from "node:assert/strict";
import { Socket } from "node:net";
import { describe, test } from "node:test";
import type { Hello } from "@orlop/runtime/launcher";
import type { Daemon } from "../caller/caller.ts";
import { CallHands } from "./call-hands.ts";
import { RemoteCaller } from "./remote-caller.ts";

const HELLO: Hello = {
  ...{ version: 0, uid: 0, pid: process.pid, descriptor: -1, arguments: [], environment: {}, cwd: "/" },
  ...{ cgroups: "", privileges: "", umask: 0o022, root: "/", namespaces: "" },
};

function remoteCaller(): RemoteCaller {
  return new RemoteCaller(HELLO, "mark", new CallHands(new Socket(), () => {}), {} as Daemon);
}

describe("what a caller need not wait for", () => {
  test("is done in order when it has been answered, and at once from then on", () => {
    const who = remoteCaller();
    const done: string[] = [];
    who.afterwards(() => done.push("first"));
    who.afterwards(() => done.push("second"));
    assert.equal(done.length, 0);
    who.answered();
    assert.deepEqual(done, ["first", "second"]);
    who.afterwards(() => done.push("late"));
    assert.deepEqual(done, ["first", "second", "late"]);
    who.answered();
    assert.equal(done.length, 3, "and once");
  });

  test("is done although something else of it fails, of which is told", () => {
    const who = remoteCaller();
    const done: string[] = [];
    who.afterwards(() => {
      throw new Error("disk on fire");
    });
    who.afterwards(() => done.push("second"));
    assert.throws(() => who.answered(), { message: "disk on fire" });
    assert.deepEqual(done, ["second"]);
  });
});
