import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "./crc32c.ts";

test("the checksum is that of RFC 3720, B.4, without the inversion at its end", () => {
  assert.equal(~crc32c(0xffff_ffff, Buffer.alloc(32)) >>> 0, 0x8a91_36aa);
  assert.equal(~crc32c(0xffff_ffff, Buffer.alloc(32, 0xff)) >>> 0, 0x62a8_ab43);
});
