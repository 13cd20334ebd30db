import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachKeys, parseDetachKeys } from "./detach-keys.ts";
import { parseSeconds, parseSignal } from "./life-options.ts";

test("signals are known by names with and without SIG, and by numbers", () => {
  const texts = ["TERM", "SIGTERM", "sigterm", "15", "RTMIN", "SIGRTMIN+3", "RTMAX-1", "64"];
  assert.deepEqual(texts.map(parseSignal), [15, 15, 15, 15, 34, 37, 63, 64]);
  for (const text of ["", "0", "SIG", "RTMIN-1", "RTMAX+1", "RTMIN+", "1.5"]) {
    assert.throws(() => parseSignal(text), { code: "invalid" }, text);
  }
});

test("seconds become milliseconds, and -1 is no limit", () => {
  assert.deepEqual(["0", "10", "-1"].map(parseSeconds), [0, 10_000, -1]);
});

test("detach keys are control characters and others", () => {
  assert.deepEqual([...parseDetachKeys(undefined)], [16, 17]);
  assert.deepEqual([...parseDetachKeys("ctrl-@,a,ctrl-_,~")], [0, 97, 31, 126]);
  assert.equal(parseDetachKeys("").length, 0);
});

test("detach keys are found wherever the input is cut, and are not passed on", () => {
  const typed = (keys: DetachKeys, text: string): readonly [string, boolean] => {
    const { passed, isDetached } = keys.take(Buffer.from(text));
    return [passed.toString(), isDetached];
  };
  const keys = new DetachKeys(parseDetachKeys("a,b"));
  assert.deepEqual(typed(keys, "xa"), ["x", false]);
  assert.deepEqual(typed(keys, "ac"), ["aac", false], "what was held back comes when it turns out to be none of them");
  assert.deepEqual(typed(keys, "a"), ["", false]);
  assert.deepEqual(typed(keys, "by"), ["", true]);
  assert.deepEqual(typed(new DetachKeys(Buffer.alloc(0)), "ab"), ["ab", false]);
});
