import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseLayerPath, parseWhiteout } from "./layer-path.ts";

suite("the path of an entry", () => {
  test("is taken apart", () => {
    assert.deepEqual(parseLayerPath("./a//b/./c/"), { parents: ["a", "b"], name: "c" });
    assert.deepEqual(parseLayerPath("/etc"), { parents: [], name: "etc" });
    for (const root of ["./", "/", "."]) assert.deepEqual(parseLayerPath(root), { parents: [], name: undefined });
    assert.deepEqual(parseLayerPath("..a/b.."), { parents: ["..a"], name: "b.." });
  });

  test("is refused where it leaves the layer, or no file can have it", () => {
    for (const path of ["..", "a/..", "../a", "a/../b"]) assert.throws(() => parseLayerPath(path), /leaves the layer/);
    // It is the image's fault, and no command line's.
    assert.throws(() => parseLayerPath(".."), { code: "invalid", operation: "unpack layer" });
    assert.throws(() => parseLayerPath("a\0b"), /a zero byte/);
    assert.throws(() => parseLayerPath("a\ufffd"), /not UTF-8/);
    const deep = "abcdefg/".repeat(512);
    assert.equal(parseLayerPath(deep).parents.length, 511);
    assert.throws(() => parseLayerPath(`${deep}x`), /its path is longer than 4096 bytes/);
    assert.equal(parseLayerPath("n".repeat(255)).name?.length, 255);
    assert.throws(() => parseLayerPath(`a/${"n".repeat(256)}`), /a name in it is longer than 255 bytes/);
    assert.throws(() => parseLayerPath(`a/${"ä".repeat(128)}`), /a name in it is longer than 255 bytes/);
  });

  test("may be a whiteout's", () => {
    assert.deepEqual(parseWhiteout(".wh.a", "d/.wh.a"), { kind: "hides", name: "a" });
    assert.deepEqual(parseWhiteout(".wh..wh..opq", "d/.wh..wh..opq"), { kind: "opaque" });
    assert.deepEqual(parseWhiteout(".wh..wh.plnk", "d/.wh..wh.plnk"), { kind: "none" });
    assert.equal(parseWhiteout("a", "a"), undefined);
    for (const name of [".wh.", ".wh..", ".wh..."]) assert.throws(() => parseWhiteout(name, name), /names no entry/);
  });
});
