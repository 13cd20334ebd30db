import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { AttributeTable, attribute, listOf, nested, repeated } from "./attributes.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { flagNames } from "./choices.ts";
import type { Codec } from "./codec.ts";
import { formatHardwareAddress, parseHardwareAddress } from "./hardware-address.ts";
import { be16, be64, boolean8, u8, u16, u32 } from "./integers.ts";
import { field, Layout } from "./layout.ts";
import { attributeMaxBytes, messageMaxBytes, nestingMax } from "./limits.ts";
import { decodeMessages, encodeMessage } from "./message.ts";
import { presence, rawBytes } from "./raw-bytes.ts";
import { encodeNetlinkSocketAddress } from "./socket.ts";
import { plainText, terminatedText } from "./text.ts";

function written<T>(codec: Codec<T>, value: T): string {
  const writer = new ByteWriter("test");
  codec.write(value, writer);
  return Buffer.from(writer.finish()).toString("hex");
}

function read<T>(codec: Codec<T>, hex: string): T {
  return codec.read(new ByteReader(Uint8Array.from(Buffer.from(hex, "hex")), "test"));
}

function refused(call: () => unknown, words: RegExp): void {
  assert.throws(call, (error) => error instanceof OrlopError && error.code === "invalid" && words.test(error.message));
}

interface Sample {
  readonly number?: number;
  readonly name?: string;
  readonly inner?: Sample;
  readonly several?: readonly number[];
  readonly list?: readonly string[];
  readonly flag?: true;
}

const sample: AttributeTable<Sample> = new AttributeTable<Sample>("test.h", {
  number: attribute("NUMBER", 1, u16),
  name: attribute("NAME", 2, terminatedText(8)),
  inner: nested("INNER", 3, { write: (value, to) => sample.write(value, to), read: (from) => sample.read(from) }),
  several: repeated("SEVERAL", 4, u8),
  list: nested("LIST", 5, listOf("ITEM", 1, plainText(8))),
  flag: attribute("FLAG", 6, presence),
});

test("writes attributes in the order of the keys, padded, nests with their flag", () => {
  const value: Sample = { name: "ab", number: 5, inner: { number: 7 }, several: [1, 2], list: ["x"], flag: true };
  const expected = [
    "07000200 61620000",
    "06000100 05000000",
    "0c000380 06000100 07000000",
    "05000400 01000000 05000400 02000000",
    "0c000580 05000100 78000000",
    "04000600",
  ];
  const hex = expected.join("").replaceAll(" ", "");
  assert.equal(written(sample, value), hex);
  assert.deepEqual(read(sample, hex), value);
});

test("passes over attributes that it does not know, and takes the last of a kind", () => {
  assert.deepEqual(read(sample, "0800630001020304" + "0600010005000000" + "0600010006000000"), { number: 6 });
  assert.deepEqual(read(sample, "0600014005000000"), { number: 5 }, "NLA_F_NET_BYTEORDER is no part of the type");
});

test("refuses attributes that do not fit", () => {
  refused(() => read(sample, "0300010000"), /test": attribute NUMBER at 0 says that it has 3 bytes/);
  refused(() => read(sample, "0900010000000000"), /says that it has 9 bytes of 8/);
  refused(() => read(sample, "060001000500000001"), /1 bytes stand after the last attribute/);
  refused(() => read(sample, "0500010005000000"), /test.NUMBER": it has 1 bytes, not 2/);
  refused(() => read(sample, "0c00038005000100ff000000"), /test.INNER.NUMBER"/);
});

test("stops at nestingMax, however deep the bytes go", () => {
  let bytes = new Uint8Array(0);
  for (let depth = 0; depth < 2000; depth++) {
    const outer = new Uint8Array(bytes.length + 4);
    new DataView(outer.buffer).setUint16(0, outer.length, true);
    new DataView(outer.buffer).setUint16(2, 3 | 0x8000, true);
    outer.set(bytes, 4);
    bytes = outer;
  }
  refused(() => sample.read(new ByteReader(bytes, "test")), new RegExp(`nestingMax, ${nestingMax}`));
});

test("refuses values that have no bytes, by the path of the field", () => {
  const unknown = { nonsense: 1 } as Sample;
  refused(() => written(sample, unknown), /it has no attribute called "nonsense"/);
  refused(
    () => written(sample, { inner: { number: 65_536 } }),
    /"test.INNER.NUMBER": 65536 is not an integer from 0 to 65535/,
  );
  refused(() => written(sample, { number: 1.5 }), /1\.5 is not an integer/);
  refused(() => written(sample, { name: "12345678" }), /takes 9 bytes, and 8 is the most/);
  refused(() => written(sample, { flag: false as unknown as true }), /by being there/);
  refused(() => written(rawBytes(2), new Uint8Array(3)), /3 bytes, and 2 is the most/);
  refused(() => written(be64, 5 as unknown as bigint), /not an unsigned 64-bit bigint/);
  refused(() => written(be64, 1n << 64n), /not an unsigned 64-bit bigint/);
});

test("refuses attributes and messages past their limits", () => {
  const big = rawBytes(messageMaxBytes * 2);
  const table = new AttributeTable<{ data?: Uint8Array }>("test.h", { data: attribute("DATA", 1, big) });
  refused(() => written(table, { data: new Uint8Array(attributeMaxBytes) }), /attributeMaxBytes is 65535/);
  refused(() => written(big, new Uint8Array(messageMaxBytes + 1)), /messageMaxBytes, 131072/);
});

test("keeps bits and bytes that have no name", () => {
  const codec = flagNames(u8, { LOW: 1, HIGH: 128 });
  assert.deepEqual(read(codec, "83"), ["LOW", "0x2", "HIGH"]);
  assert.equal(written(codec, ["LOW", "0x2", "HIGH"]), "83");
  assert.equal(written(codec, []), "00");
  refused(() => written(codec, ["MIDDLE" as "LOW"]), /"MIDDLE" is not one of LOW, HIGH/);
  assert.equal(written(be16, 8080), "1f90");
  assert.equal(read(boolean8, "02"), true);
});

test("a struct that does not add up fails to load", () => {
  const make = (size: number, offset: number): unknown =>
    new Layout<{ a: number; b: number }>({
      struct: "s",
      header: "test.h",
      size,
      fields: { a: field("a", u16, 0, 2), b: field("b", u32, offset, 4) },
    });
  assert.throws(() => make(8, 4), /hole or an overlap at 2/);
  assert.throws(() => make(7, 2), /struct s has 7 bytes/);
  assert.throws(() => make(6, 1), /hole or an overlap/);
  make(6, 2);
});

test("splits a datagram into messages, and refuses one that was cut", () => {
  const one = encodeMessage({ type: 16, flags: 5, sequence: 7, port: 0, body: Uint8Array.of(1, 2, 3) });
  assert.equal(Buffer.from(one).toString("hex"), "13000000100005000700000000000000" + "01020300");
  const two = Uint8Array.from([...one, ...one]);
  const messages = decodeMessages(two);
  assert.equal(messages.length, 2);
  assert.deepEqual(Array.from(messages[1]?.body ?? []), [1, 2, 3]);
  refused(() => decodeMessages(two.subarray(0, 30)), /10 bytes stand at 20, not 16/);
  refused(() => decodeMessages(two.subarray(0, 38)), /says that it has 19 bytes of 18/);
  refused(() => decodeMessages(Uint8Array.of(15, 0, 0, 0, ...new Uint8Array(12))), /says that it has 15 bytes/);
  assert.deepEqual(decodeMessages(new Uint8Array(0)), []);
});

test("encodes the kernel's address and multicast groups", () => {
  assert.equal(Buffer.from(encodeNetlinkSocketAddress()).toString("hex"), "100000000000000000000000");
  assert.equal(
    Buffer.from(encodeNetlinkSocketAddress({ port: 5, groups: 1 })).toString("hex"),
    "100000000500000001000000",
  );
  refused(() => encodeNetlinkSocketAddress({ port: -1 }), /"-1"/);
});

test("reads and writes hardware addresses", () => {
  assert.deepEqual([...parseHardwareAddress("02:42:0A:00:00:ff")], [2, 0x42, 10, 0, 0, 255]);
  assert.equal(formatHardwareAddress(Uint8Array.of(2, 0x42, 10)), "02:42:0a");
  for (const text of ["", "02", "0:1", "02:42:", "02-42", "g0:00"]) {
    if (text !== "02") refused(() => parseHardwareAddress(text), /hexadecimal/);
  }
});
