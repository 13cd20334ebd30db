import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages } from "../message.ts";
import type { NetlinkRequest } from "../request.ts";
import { ruleBody } from "./rule.ts";
import { addRule, decodeRule, deleteRule } from "./rule-requests.ts";

const WHOLE =
  "ip rule add from 10.0.0.0/8 to 10.1.0.0/16 iif v0 oif v1 fwmark 0x5/0xff table 1000 pref 50 suppress_prefixlength 0";

// table: what iproute2 sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  ["ip rule add from 10.0.0.0/8 table 100", addRule({ source: "10.0.0.0/8", table: 100 })],
  [
    WHOLE,
    addRule({
      source: "10.0.0.0/8",
      destination: "10.1.0.0/16",
      inputInterface: "v0",
      outputInterface: "v1",
      mark: 5,
      markMask: 0xff,
      table: 1000,
      priority: 50,
      suppressPrefixLength: 0,
    }),
  ],
  ["ip rule add not fwmark 0x1 lookup 51820", addRule({ family: "AF_INET", invert: true, mark: 1, table: 51_820 })],
  [
    "ip rule add to 10.9.0.0/16 blackhole pref 70",
    addRule({ destination: "10.9.0.0/16", action: "FR_ACT_BLACKHOLE", priority: 70 }),
  ],
  [
    "ip rule add ipproto tcp sport 5 dport 80-90 uidrange 1000-2000 table 5",
    addRule({
      family: "AF_INET",
      ipProtocol: 6,
      sourcePorts: { start: 5, end: 5 },
      destinationPorts: { start: 80, end: 90 },
      uidRange: { start: 1000, end: 2000 },
      table: 5,
    }),
  ],
  ["ip -6 rule add from fd00::/64 table 7", addRule({ source: "fd00::/64", table: 7 })],
  ["ip rule del from 10.0.0.0/8 table 100", deleteRule({ source: "10.0.0.0/8", table: 100 })],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command.slice(0, 70)}" sends`, () => {
    const [message] = decodeMessages(sentBytes(goldenCapture("rule", command)));
    assert.ok(message !== undefined);
    assertSameMessage(request, message, ruleBody);
  });
}

test("reads and writes again every byte of every rule request that iproute2 sent", () => {
  for (const capture of goldenCaptures("rule")) {
    for (const message of decodeMessages(sentBytes(capture))) decodeFaithfully(message, ruleBody);
  }
});

test("decodes a dump of rules", () => {
  const rules = receivedDatagrams(goldenCapture("rule", "ip rule show"))
    .flatMap(decodeMessages)
    .filter(({ type }) => type === 32)
    .map(decodeRule);
  const whole = rules.find(({ priority }) => priority === 50);
  assert.equal(whole?.source, "10.0.0.0/8");
  assert.equal(whole?.destination, "10.1.0.0/16");
  assert.deepEqual([whole?.inputInterface, whole?.outputInterface], ["v0", "v1"]);
  assert.deepEqual([whole?.mark, whole?.markMask, whole?.table], [5, 0xff, 1000]);
  assert.equal(whole?.suppressPrefixLength, 0);
  assert.deepEqual(
    rules.filter(({ table }) => table >= 253 && table <= 255).map(({ priority }) => priority),
    [0, 32_766, 32_767],
  );
  assert.ok(rules.some(({ flags, mark }) => flags.includes("FIB_RULE_INVERT") && mark === 1));
});

test("refuses a rule without an IP version, and one with two", () => {
  assert.throws(() => addRule({ mark: 1, table: 5 }), /it names no IP version/);
  assert.throws(
    () => addRule({ source: "10.0.0.0/8", destination: "fd00::/64" }),
    (error) => error instanceof OrlopError && /IP versions differ/.test(error.message),
  );
});
