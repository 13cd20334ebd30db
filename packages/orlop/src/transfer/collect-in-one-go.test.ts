import assert from "node:assert/strict";
import { test } from "node:test";
import { Script } from "node:vm";
import { collectInOneGo } from "./collect-in-one-go.ts";

test("leaves V8 as it was, so that the next process takes the code that this one has compiled", () => {
  const source = "(function () { return 1; })";
  const cachedData = new Script(source).createCachedData();
  {
    using _outer = collectInOneGo();
    using _inner = collectInOneGo();
  }
  assert.equal(new Script(source, { cachedData }).cachedDataRejected, false);
});
