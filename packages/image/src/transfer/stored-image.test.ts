import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeDepot } from "./depot-fixture.ts";
import { pullImage } from "./pull-image.ts";
import { FakeSource, PLATFORM } from "./source-fixture.ts";
import { readStoredImage } from "./stored-image.ts";

test("an image that was read before is read from memory, as long as it is there", async () => {
  const { content, ...depot } = new FakeDepot();
  const source = new FakeSource();
  const target = source.image([["a"], ["b"]]);
  const lock = async () => ({ [Symbol.asyncDispose]: async () => {} });
  await pullImage(source, { ...depot, content, lock }, { name: "x", target }, { platform: PLATFORM });
  const first = await readStoredImage(content, target, PLATFORM);
  await content.delete(first.config.digest);
  const named = { ...target, annotations: { of: "another name" } };
  assert.deepEqual(await readStoredImage(content, named, PLATFORM), { ...first, manifest: named });
  const other = { ...target, size: target.size + 1 };
  await assert.rejects(readStoredImage(content, other, PLATFORM), { code: "invalid" });
  await content.delete(target.digest);
  await assert.rejects(readStoredImage(content, target, PLATFORM), { code: "not-found" });
});
