import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unlessInterrupted } from "./unless-interrupted.ts";

describe("work that may be interrupted", () => {
  test("gives what the work gives", async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessInterrupted(signal, Promise.resolve(7)), 7);
    await assert.rejects(unlessInterrupted(signal, Promise.reject(new Error("no"))), { message: "no" });
  });

  test("rejects with the signal's reason, as soon as the work is over", async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<void>();
    let isOver = false;
    const result = unlessInterrupted(controller.signal, work.promise);
    controller.abort(new Error("Ctrl-C"));
    setTimeout(() => {
      isOver = true;
      work.resolve();
    }, 20);
    await assert.rejects(result, { message: "Ctrl-C" });
    assert.ok(isOver);
  });
});
