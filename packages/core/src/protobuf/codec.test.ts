import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Codec, type Schema } from "./codec.ts";

const SCHEMA = {
  Point: { x: [1, "int32"], y: [2, "int64"] },
  Shape: {
    name: [1, "string"],
    points: [2, "Point[]"],
    origin: [3, "Point"],
    labels: [4, "map"],
    data: [5, "bytes"],
    closed: [6, "bool"],
    area: [7, "uint64"],
    weights: [8, "uint32[]"],
    colour: [300, "uint32"],
    tilt: [9, "double"],
  },
  Endless: { next: [1, "Endless"] },
  Test1: { a: [1, "int32"] },
  Test2: { b: [2, "string"] },
  Test5: { e: [5, "uint32[]"] },
} as const;
const codec = new Codec(SCHEMA);

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("a protobuf codec", () => {
  test("encodes as protobuf.dev shows it", () => {
    // "Encoding": field 1 = 150 is 08 96 01; the string "testing" in field 2 is 12 07 ...; -1 as an int takes ten bytes.
    assert.deepEqual(codec.encode("Test1", { a: 150 }), hex("08 96 01"));
    assert.deepEqual(codec.encode("Test2", { b: "testing" }), hex("12 07 74657374696e67"));
    assert.deepEqual(codec.encode("Point", { x: -1 }), hex("08 ffffffffffffffffff 01"));
    assert.deepEqual(codec.encode("Shape", { tilt: 1.5 }), hex("49 000000000000f83f"));
    assert.deepEqual(codec.decode("Test5", hex("2a 03 01 96 01")).e, [1, 150]);
  });

  test("gives back what it was given", () => {
    const shape = {
      name: "a ⬟",
      points: [
        { x: -5, y: 1n << 40n },
        { x: 7, y: -1n },
      ],
      origin: { x: 0, y: 0n },
      labels: { a: "b", "": "c" },
      data: Uint8Array.of(0, 255),
      closed: true,
      area: (1n << 64n) - 1n,
      weights: [1, 0xffff_ffff],
      colour: 9,
      tilt: -0.5,
    };
    assert.deepEqual(codec.decode("Shape", codec.encode("Shape", shape)), shape);
  });

  test("leaves out defaults, and reads them from nothing", () => {
    const nothing = codec.decode("Shape", Buffer.alloc(0));
    assert.deepEqual(
      [nothing.name, nothing.points, nothing.origin, nothing.labels, nothing.closed, nothing.area],
      ["", [], undefined, {}, false, 0n],
    );
    assert.equal(codec.encode("Shape", nothing).length, 0);
    assert.deepEqual(codec.encode("Shape", { origin: {} }), hex("1a 00"));
  });

  test("skips fields that it does not know, of every wire type", () => {
    const unknown = hex("78 01  79 0102030405060708  7a 02 aabb  7d 01020304");
    assert.equal(codec.decode("Shape", Buffer.concat([unknown, hex("30 01"), unknown])).closed, true);
  });

  test("keeps a key that looks like a member of every object", () => {
    const labels = Object.fromEntries([["__proto__", "x"]]);
    assert.deepEqual(Object.entries(codec.decode("Shape", codec.encode("Shape", { labels })).labels), [
      ["__proto__", "x"],
    ]);
  });

  for (const [what, bytes] of [
    ["a number that does not end", "38 ffffffffffffffffffffff"],
    ["a number cut short", "38 80"],
    ["a string longer than the message", "0a 05 61"],
    ["a length beyond everything", "0a ffffffffffffffff7f"],
    ["a string that is not UTF-8", "0a 01 ff"],
    ["a wire type that there is not", "0f"],
    ["field 0", "00 00"],
    ["a message where a number belongs", "32 00"],
    ["a group", "7b"],
  ] as const) {
    test(`refuses ${what}`, () => {
      const decode = (): unknown => codec.decode("Shape", hex(bytes));
      assert.throws(decode, { code: "invalid", message: /^Cannot decode message "Shape": / });
    });
  }

  test("refuses messages inside each other without end, and fields without end", () => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 40; depth++) bytes = Buffer.concat([hex("0a"), varint(bytes.length), bytes]);
    assert.throws(() => codec.decode("Endless", bytes), { code: "invalid", message: /DEPTH_MAX/ });
    const many = Buffer.concat(Array.from({ length: 70_000 }, () => hex("12 00")));
    assert.throws(() => codec.decode("Shape", many), { code: "invalid", message: /ENTRIES_MAX/ });
  });

  test("refuses a name that the schema does not have", () => {
    assert.throws(() => new Codec<Schema>(SCHEMA).decode("Circle", Buffer.alloc(0)), { code: "internal" });
  });

  test("decodes or refuses whatever bytes come", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const points = [{ x: 1, y: 2n }];
    const good = codec.encode("Shape", { name: "shape", points, labels: { a: "b" }, weights: [1, 2, 300] });
    for (let round = 0; round < 20_000; round++) {
      const noise = Buffer.from(Array.from({ length: random(24) }, () => random(256)));
      const bytes = round % 2 === 0 ? Buffer.from(good) : noise;
      for (let flips = random(4); flips >= 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256);
      try {
        codec.encode("Shape", codec.decode("Shape", bytes.subarray(0, random(bytes.length + 1))));
      } catch (error) {
        assert.equal((error as { readonly code?: unknown }).code, "invalid");
      }
    }
  });
});

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.of((value & 0x7f) | 0x80, value >> 7);
}
