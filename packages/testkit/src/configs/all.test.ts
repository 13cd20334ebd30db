import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { differentialConfigs } from "./all.ts";

suite("differentialConfigs", () => {
  test("have names that are unique and can stand in a data file", () => {
    const names = differentialConfigs.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  test("say what they exercise as the end of a sentence", () => {
    for (const { name, exercises } of differentialConfigs) assert.match(exercises, /^[a-zA-Z/"].*[^.]$/, name);
  });
});
