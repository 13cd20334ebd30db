import assert from "node:assert/strict";
import { test } from "node:test";
import { cachedDataVersionTag } from "node:v8";
import { compileLater } from "./compile-later.ts";

test("changes V8's flags, and leaves them as they were, so that the next process takes the code that this one has compiled", () => {
  // A number that V8 makes of its version and its flags.
  const before = cachedDataVersionTag();
  {
    using _outer = compileLater();
    const within = cachedDataVersionTag();
    assert.notEqual(within, before);
    {
      using _inner = compileLater();
    }
    assert.equal(cachedDataVersionTag(), within);
  }
  assert.equal(cachedDataVersionTag(), before);
});
