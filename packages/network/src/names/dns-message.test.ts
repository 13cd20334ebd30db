import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesOf } from "./answerer.ts";
import {
  answerMaxBytes,
  DNS_CLASS_IN,
  DNS_CODES,
  DNS_TYPES,
  type DnsRecord,
  decodeQuery,
  decodeResponse,
  encodeAnswer,
  encodeQuery,
} from "./dns-message.ts";
import { decodeName, encodeName, nameText } from "./dns-name.ts";

const question = { name: ["www", "Example", "com"], type: DNS_TYPES.A, class: DNS_CLASS_IN };
const alias: DnsRecord = {
  name: question.name,
  type: DNS_TYPES.CNAME,
  ttlSeconds: 60,
  data: encodeName(["host", "example", "com"]),
};
const address = (name: readonly string[], last: number): DnsRecord => {
  return { name, type: DNS_TYPES.A, ttlSeconds: 30, data: Buffer.of(192, 0, 2, last) };
};

test("a question and its answer are what they were after they were sent", () => {
  const extension = { udpBytes: 4096, dnssecOk: true };
  const query = { id: 4711, question, extension };
  assert.deepEqual(decodeQuery(encodeQuery(query)), { ...query, recursionDesired: true });
  const answers = [alias, address(["host", "example", "com"], 1)];
  const bytes = encodeAnswer({ ...query, recursionDesired: true }, { code: DNS_CODES.NOERROR, answers }, 1232);
  assert.deepEqual(decodeResponse(bytes), { id: 4711, question, isTruncated: false, answers });
});

test("an answer that is too long says so, and is short", () => {
  const query = { id: 1, recursionDesired: true, question };
  const answers = Array.from({ length: 100 }, (_, index) => address(question.name, index));
  const bytes = encodeAnswer(query, { code: DNS_CODES.NOERROR, answers }, answerMaxBytes(query));
  assert.ok(bytes.length <= 512);
  assert.deepEqual(decodeResponse(bytes), { id: 1, question, isTruncated: true, answers: [] });
});

test("what Debian's dig writes and what BIND answers is understood", () => {
  const asked = "1a2b012000010000000000010377777707657861 6d706c6503636f6d000001000100002904d0000000000000".replaceAll(
    " ",
    "",
  );
  assert.deepEqual(decodeQuery(Buffer.from(asked, "hex")), {
    id: 0x1a2b,
    recursionDesired: true,
    question: { name: ["www", "example", "com"], type: 1, class: 1 },
    extension: { udpBytes: 1232, dnssecOk: false },
  });
  const answered =
    "1a2b818000010002000000000377777707657861 6d706c6503636f6d0000010001" +
    "c00c000500010000003c000704686f7374c010" +
    "c02d000100010000001e0004c0000201";
  const response = decodeResponse(Buffer.from(answered.replaceAll(" ", ""), "hex"));
  assert.deepEqual(addressesOf(response), [{ address: "192.0.2.1", ttlSeconds: 30 }]);
});

test("addresses of names that nobody has asked for do not count", () => {
  const answers = [address(["other", "example"], 9), alias, address(["HOST", "example", "com"], 1)];
  assert.deepEqual(addressesOf({ id: 0, question, isTruncated: false, answers }), [
    { address: "192.0.2.1", ttlSeconds: 30 },
  ]);
});

test("pointers that lead forwards or in circles are refused, and so are names that are too long", () => {
  const circle = Buffer.of(0xc0, 0x02, 0xc0, 0x00, 0);
  for (const offset of [0, 2]) assert.throws(() => decodeName(circle, offset), { code: "invalid" });
  const long = Array.from({ length: 5 }, () => "a".repeat(63));
  assert.throws(() => encodeName(long), { code: "invalid" });
  assert.throws(() => encodeName(["a".repeat(64)]), { code: "invalid" });
});

test("a label with a dot in it is no name that a policy could have", () => {
  assert.equal(nameText(["registry.example"]), undefined);
  assert.equal(nameText(["Registry", "example"]), "registry.example");
});

/** The same bytes on every machine. */
function* numbers(): Generator<number, never> {
  for (let state = 0x12345678; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

test("whatever bytes come, reading ends, with a message or a refusal", () => {
  const random = numbers();
  const whole = encodeAnswer(
    { id: 1, recursionDesired: true, question, extension: { udpBytes: 1232, dnssecOk: false } },
    { code: DNS_CODES.NOERROR, answers: [alias, address(["host", "example", "com"], 1)] },
    1232,
  );
  for (let round = 0; round < 20_000; round++) {
    const bytes = round % 2 === 0 ? Buffer.from(whole) : Buffer.alloc(random.next().value % 80);
    if (round % 2 === 1) for (let at = 0; at < bytes.length; at++) bytes[at] = random.next().value;
    for (let change = random.next().value % 4; change > 0 && bytes.length > 0; change--) {
      bytes[random.next().value % bytes.length] = random.next().value;
    }
    const cut = bytes.subarray(0, bytes.length - (random.next().value % 3));
    const query = decodeQuery(cut);
    if (query !== undefined && "question" in query) assert.ok(encodeAnswer(query, { code: 0 }, 512).length <= 512);
    try {
      addressesOf(decodeResponse(cut));
    } catch (error) {
      assert.equal((error as { code?: string }).code, "invalid");
    }
  }
});
