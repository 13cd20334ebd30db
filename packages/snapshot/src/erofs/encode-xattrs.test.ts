import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { encodeOpaque, encodeXattrs } from "./encode-xattrs.ts";

suite("extended attributes of an inode", () => {
  test("stand behind a head, by index and rest of the name, each padded to four bytes", () => {
    const bytes = encodeXattrs(new Map([["user.ab", Buffer.from("xyz")]]), "f");
    assert.equal(bytes.toString("hex"), `${"00".repeat(12)}02010300${Buffer.from("abxyz").toString("hex")}000000`);
  });

  test("are nothing without any, and without those of overlay", () => {
    const own = new Map([["trusted.overlay.redirect", Buffer.from("/etc")]]);
    assert.equal(encodeXattrs(new Map(), "f").length, 0);
    assert.equal(encodeXattrs(own, "f").length, 0);
    assert.equal(encodeOpaque(own, "d").includes("redirect"), false);
    assert.equal(encodeOpaque(own, "d").includes("overlay.opaquey"), true);
  });

  test("of other systems are nothing here", () => {
    assert.equal(encodeXattrs(new Map([["com.apple.provenance", Buffer.alloc(1)]]), "f").length, 0);
  });

  test("that EROFS has no place for are refused", () => {
    const cases: readonly [string, Buffer, RegExp][] = [
      [`user.${"x".repeat(256)}`, Buffer.alloc(1), /name is too long/],
      ["user.x", Buffer.alloc(65_536), /has 65536 bytes/],
    ];
    for (const [name, value, error] of cases) {
      assert.throws(() => encodeXattrs(new Map([[name, value]]), "f"), { code: "unsupported", message: error });
    }
    const many = new Map(Array.from({ length: 6 }, (_, index) => [`user.${index}`, Buffer.alloc(60_000)]));
    assert.throws(() => encodeXattrs(many, "f"), /attributes have 360/);
  });
});
