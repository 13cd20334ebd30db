import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { readKeyring } from "./keyring.ts";
import { OpenpgpSigner, packet } from "./openpgp-signer-fixture.ts";
import { readSignedMessage } from "./read-signed-message.ts";
import { SIGNATURE_BINARY } from "./signature.ts";
import { checkSignatures } from "./verify-signatures.ts";

const CONTENT = Buffer.from(`{"a":"${"b".repeat(2000)}"}`);
const MAX = 4000;
const signer = new OpenpgpSigner();
const message = signer.signedMessage(CONTENT);

function isGood(bytes: Buffer): boolean {
  const { content, signature } = readSignedMessage(bytes, MAX);
  const keys = readKeyring(signer.certificate());
  const { good } = checkSignatures([signature], content, { keys, type: SIGNATURE_BINARY, now: 1_750_000_000 });
  return good.length === 1 && content.equals(CONTENT);
}

/** Its packets, with their headers. */
function packetsOf(bytes: Buffer): readonly [Buffer, Buffer, Buffer] {
  const ends = [0];
  for (let at = 0; at < bytes.length; at = ends.at(-1) as number) ends.push(at + 5 + bytes.readUInt32BE(at + 1));
  return [0, 1, 2].map((index) => bytes.subarray(ends[index], ends[index + 1])) as [Buffer, Buffer, Buffer];
}

const [announced, literal, signature] = packetsOf(message);
const compressed = (algorithm: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([algorithm]), content]);

test("reads a signed message as it is, and compressed, with an end or without", () => {
  assert.ok(isGood(message));
  assert.ok(isGood(packet(8, compressed(0, message))));
  assert.ok(isGood(packet(8, compressed(1, deflateRawSync(message)))));
  assert.ok(isGood(Buffer.concat([Buffer.from([0xa3]), compressed(2, deflateSync(message))])));
});

test("reads content that comes in parts", () => {
  const body = literal.subarray(5);
  const parts = [
    Buffer.from([0xc0 | 11, 0xe0 | 10]),
    body.subarray(0, 1024),
    Buffer.from([0xe0 | 9]),
    body.subarray(1024, 1536),
    Buffer.from([192 + ((body.length - 1536 - 192) >> 8), (body.length - 1536 - 192) & 0xff]),
    body.subarray(1536),
  ];
  assert.ok(isGood(Buffer.concat([announced, ...parts, signature])));
});

test("refuses what is not a content with one signature, and nothing else", () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.concat([literal]),
    Buffer.concat([announced, literal]),
    Buffer.concat([literal, signature]),
    Buffer.concat([announced, literal, signature, literal]),
    Buffer.concat([announced, literal, literal, signature]),
    Buffer.concat([announced, announced, literal, signature, signature]),
    Buffer.concat([packet(8, compressed(0, message)), literal]),
    packet(8, compressed(0, packet(8, compressed(0, message)))),
    packet(8, compressed(3, message)),
    packet(8, compressed(1, message)),
    packet(8, compressed(1, deflateRawSync(Buffer.alloc(1 << 20)))),
    signer.signedMessage(Buffer.alloc(MAX + 1)),
    Buffer.concat([announced, packet(11, Buffer.from("b\u00ff")), signature]),
    message.subarray(0, -1),
  ]) {
    assert.throws(() => readSignedMessage(bytes, MAX), { code: "invalid" });
  }
});
