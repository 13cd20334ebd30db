import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { parseDBusAddress } from "./dbus-address.ts";
import { decodeDBusValues } from "./dbus-decode.ts";
import { encodeDBusValues } from "./dbus-encode.ts";
import { type DBusMessage, dbusMessageLength, decodeDBusMessage, encodeDBusMessage } from "./dbus-message.ts";
import { parseDBusSignature } from "./dbus-signature.ts";

/** What dbus-send 1.14 wrote for a call with one argument of each kind. */
const DBUS_SEND =
  "6c01000180000000010000007900000001016f00040000002f782f79000000000201730010000000636f6d2e6578616d" +
  "706c652e5465737400000000000000000301730003000000416c6c000000000006017300140000006f72672e66726565" +
  "6465736b746f702e444275730000000008016700" +
  "1362796e716975787464736f6173617b73757d760000000000000000010000000700feffffff0000fdffffffffffffff" +
  "00000000fcffffffffffffffffffffffffffffff000000000000f83f070000006772c3bcc39f6500040000002f612f62" +
  "000000000f000000010000006100000002000000626300001c000000030000006f6e650001000000000000000300000074" +
  "776f000200000001790009";

const ONE_OF_EACH: DBusMessage = {
  type: "call",
  serial: 1,
  path: "/x/y",
  interface: "com.example.Test",
  member: "All",
  destination: "org.freedesktop.DBus",
  signature: "bynqiuxtdsoasa{su}v",
  body: [
    true,
    7,
    -2,
    65_535,
    -3,
    4_294_967_295,
    -4n,
    18_446_744_073_709_551_615n,
    1.5,
    "grüße",
    "/a/b",
    ["a", "bc"],
    [
      ["one", 1],
      ["two", 2],
    ],
    { signature: "y", value: 9 },
  ],
  noReply: false,
};

/** What busctl of systemd 252 wrote to start a scope. */
const BUSCTL =
  "6c010401e000000002000000b600000001016f00190000002f6f72672f667265656465736b746f702f73797374656d64" +
  "3100000000000000030173001200000053746172745472616e7369656e74556e697400000000000002017300200000006f" +
  "72672e667265656465736b746f702e73797374656d64312e4d616e61676572000000000000000006017300180000006f72" +
  "672e667265656465736b746f702e73797374656d6431000000000000000008016700107373612873762961287361287376" +
  "292900000009000000626f782e73636f7065000000070000007265706c61636500bb00000005000000536c696365000173" +
  "000000000c00000073797374656d2e736c696365000000000000000004000000504944730002617500000000080000002a" +
  "0000002b000000000000000800000044656c6567617465000162000100000000000000090000004d656d6f72794d617800" +
  "01740000000000000000ffffffffffffffff0b000000446576696365416c6c6f770005612873732900001b000000000000" +
  "000d0000002f6465762f636861722f313a33000000020000007277000000000000";

/** What dbus-daemon 1.14 answered. */
const NAME_ACQUIRED =
  "6c04010109000000020000008d00000001016f00150000002f6f72672f667265656465736b746f702f44427573000000" +
  "02017300140000006f72672e667265656465736b746f702e4442757300000000030173000c0000004e616d654163717569" +
  "7265640000000006017300040000003a312e3100000000080167000173000007017300140000006f72672e667265656465" +
  "736b746f702e4442757300000000040000003a312e3100";

test("a call is encoded byte for byte as libdbus does", () => {
  assert.equal(Buffer.from(encodeDBusMessage(ONE_OF_EACH)).toString("hex"), DBUS_SEND);
});

test("what libdbus wrote is read back", () => {
  assert.deepEqual(decodeDBusMessage(Buffer.from(DBUS_SEND, "hex")), ONE_OF_EACH);
});

test("properties in variants are read and written as sd-bus does", () => {
  const message = decodeDBusMessage(Buffer.from(BUSCTL, "hex"));
  assert.equal(message.member, "StartTransientUnit");
  const devices = [["/dev/char/1:3", "rw"]];
  assert.deepEqual(message.body, [
    "box.scope",
    "replace",
    [
      ["Slice", { signature: "s", value: "system.slice" }],
      ["PIDs", { signature: "au", value: [42, 43] }],
      ["Delegate", { signature: "b", value: true }],
      ["MemoryMax", { signature: "t", value: 18_446_744_073_709_551_615n }],
      ["DeviceAllow", { signature: "a(ss)", value: devices }],
    ],
    [],
  ]);
  const body = Buffer.from(encodeDBusValues(message.signature, message.body)).toString("hex");
  assert(BUSCTL.endsWith(body));
});

test("a signal of the bus is read", () => {
  const message = decodeDBusMessage(Buffer.from(NAME_ACQUIRED, "hex"));
  assert.deepEqual(
    [message.type, message.member, message.sender, message.destination, message.body],
    ["signal", "NameAcquired", "org.freedesktop.DBus", ":1.1", [":1.1"]],
  );
});

test("big-endian bodies are read", () => {
  const bytes = Buffer.from("000000020000000100000002000000036162630000000001", "hex");
  assert.deepEqual(decodeDBusValues("uuusu", bytes, false), [2, 1, 2, "abc", 1]);
});

test("bytes are bytes", () => {
  const encoded = encodeDBusValues("ay", [Uint8Array.of(3, 0, 255)]);
  assert.equal(Buffer.from(encoded).toString("hex"), "030000000300ff");
  assert.deepEqual(decodeDBusValues("ay", encoded, true), [Uint8Array.of(3, 0, 255)]);
});

test("an empty array of structures has its padding", () => {
  assert.equal(Buffer.from(encodeDBusValues("a(ss)", [[]])).toString("hex"), "0000000000000000");
});

for (const [signature, value] of [
  ["y", 256],
  ["i", 2 ** 31],
  ["u", -1],
  ["t", 2n ** 64n],
  ["u", 1.5],
  ["b", 1],
  ["s", "a\0b"],
  ["o", "no/path"],
  ["g", "("],
  ["v", 1],
  ["au", 1],
  ["(uu)", [1]],
  ["ay", "text"],
] as const) {
  test(`refuses to write ${String(value)} as ${signature}`, () => {
    assert.throws(
      () => encodeDBusValues(signature, [value]),
      (error) => error instanceof OrlopError && error.code === "invalid",
    );
  });
}

for (const signature of [
  "(",
  "()",
  "a",
  "a{s}",
  "a{vs}",
  "{ss}",
  "z",
  `${"a".repeat(34)}y`,
  "constructor",
  "y".repeat(256),
]) {
  test(`refuses the signature ${signature.slice(0, 12)}`, () => {
    assert.throws(() => parseDBusSignature(signature), OrlopError);
  });
}

for (const [title, signature, hex] of [
  ["a boolean that is neither", "b", "02000000"],
  ["a string without its end", "s", "0100000061"],
  ["a string with a null inside", "s", "03000000610062" + "00"],
  ["a string that is not UTF-8", "s", "01000000ff00"],
  ["an array longer than the message", "au", "0800000001000000"],
  ["an array that ends inside an element", "au", "0600000001000000" + "0200"],
  ["an array beyond the limit", "ay", "ffffffff"],
  ["padding that is not zero", "yu", "0100010001000000"],
  ["bytes after the last value", "y", "0100"],
  ["no bytes at all", "t", ""],
] as const) {
  test(`refuses ${title}`, () => {
    assert.throws(
      () => decodeDBusValues(signature, Buffer.from(hex, "hex"), true),
      (error) => error instanceof OrlopError && error.code === "invalid",
    );
  });
}

test("nesting without end is refused, in signatures and in variants", () => {
  assert.throws(() => parseDBusSignature(`${"(".repeat(40)}y${")".repeat(40)}`), /nested too deep/);
  const variants = Buffer.from(`${"017600".repeat(70)}01790001`, "hex");
  assert.throws(() => decodeDBusValues("v", variants, true), /nested deeper/);
});

test("a message says its length once its header is there", () => {
  const bytes = Buffer.from(DBUS_SEND, "hex");
  assert.equal(dbusMessageLength(bytes.subarray(0, 15)), undefined);
  assert.equal(dbusMessageLength(bytes.subarray(0, 16)), bytes.length);
  assert.throws(() => dbusMessageLength(Buffer.from("HTTP/1.1 400 Bad Request")), /no byte order is marked/);
  const huge = Buffer.from(bytes);
  huge.writeUInt32LE(0x7fff_ffff, 4);
  assert.throws(
    () => dbusMessageLength(huge),
    (error) => error instanceof OrlopError && error.code === "exhausted",
  );
});

test("no damaged message does anything but decode or be refused", () => {
  const good = Buffer.from(BUSCTL, "hex");
  for (let at = 0; at < good.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff, (good[at] ?? 0) ^ 0x20]) {
      const damaged = Buffer.from(good);
      damaged[at] = value;
      try {
        decodeDBusMessage(damaged);
      } catch (error) {
        assert(error instanceof OrlopError, `byte ${at} = ${value}: ${error}`);
      }
    }
  }
});

test("addresses give the paths of their Unix sockets", () => {
  assert.deepEqual(parseDBusAddress("unix:path=/run/user/1000/bus,guid=0a;tcp:host=x;unix:abstract=/tmp/a%20b"), [
    "/run/user/1000/bus",
    "\0/tmp/a b",
  ]);
  assert.throws(
    () => parseDBusAddress("tcp:host=x"),
    (error) => error instanceof OrlopError && error.code === "unsupported",
  );
});
