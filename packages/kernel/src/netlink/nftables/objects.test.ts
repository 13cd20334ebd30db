import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { ByteReader } from "../byte-reader.ts";
import type { Codec } from "../codec.ts";
import { goldenCapture, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages, type NetlinkMessage, NLM_F_ACK } from "../message.ts";
import { encodeRequest, type NetlinkRequest } from "../request.ts";
import { addChain, chainPriorities, deleteChain } from "./chain.ts";
import { type DataTypeName, dataTypes } from "./data-types.ts";
import { addElements, deleteAllElements, deleteElements } from "./element.ts";
import { addRule, deleteRule, deleteRules } from "./rule.ts";
import { addSet, deleteSet, type SetDefinition } from "./set.ts";
import { counter } from "./statements/effects.ts";
import { accept, drop } from "./statements/verdicts.ts";
import { addTable, deleteTable } from "./table.ts";
import { decodeUserData } from "./user-data.ts";
import { chainBody, elementListBody, ruleBody, setBody, tableBody, type WireElementList } from "./wire.ts";

const T = { family: "inet", table: "t" } as const;

/** The one change in the batch that nft sent. */
function golden(command: string): NetlinkMessage {
  const messages = decodeMessages(sentBytes(goldenCapture("nftables-objects", command))).filter(
    ({ type }) => type > 0x11,
  );
  const [message] = messages;
  assert.ok(message !== undefined && messages.length === 1, command);
  return message;
}

// table: input of nft(8), and the call of ours that must send the same
const CHANGES: readonly (readonly [string, NetlinkRequest<unknown>, Codec<unknown>])[] = [
  [
    'create table ip u { comment "hello" ; flags dormant ; }',
    addTable({ family: "ip", table: "u", comment: "hello", dormant: true }, { exclusive: true }),
    tableBody as Codec<unknown>,
  ],
  ["add table inet t", addTable(T), tableBody as Codec<unknown>],
  ["delete table inet t", deleteTable(T), tableBody as Codec<unknown>],
  ["add chain inet t plain", addChain({ ...T, chain: "plain" }), chainBody as Codec<unknown>],
  [
    "add chain inet t input { type filter hook input priority 0 ; policy drop ; }",
    addChain({
      ...T,
      chain: "input",
      base: { type: "filter", hook: "input", priority: chainPriorities.filter, policy: "drop" },
    }),
    chainBody as Codec<unknown>,
  ],
  [
    'add chain inet t pre { type nat hook prerouting priority dstnat ; comment "ports" ; }',
    addChain({
      ...T,
      chain: "pre",
      base: { type: "nat", hook: "prerouting", priority: chainPriorities.dstnat },
      comment: "ports",
    }),
    chainBody as Codec<unknown>,
  ],
  [
    "add chain inet t post { type nat hook postrouting priority srcnat ; policy accept ; }",
    addChain({
      ...T,
      chain: "post",
      base: { type: "nat", hook: "postrouting", priority: chainPriorities.srcnat, policy: "accept" },
    }),
    chainBody as Codec<unknown>,
  ],
  [
    "add chain inet t raw { type filter hook output priority raw + 5 ; }",
    addChain({ ...T, chain: "raw", base: { type: "filter", hook: "output", priority: chainPriorities.raw + 5 } }),
    chainBody as Codec<unknown>,
  ],
  [
    "add chain netdev n in { type filter hook ingress device v0 priority -500 ; }",
    addChain({
      family: "netdev",
      table: "n",
      chain: "in",
      base: { type: "filter", hook: "ingress", priority: -500, devices: ["v0"] },
    }),
    chainBody as Codec<unknown>,
  ],
  [
    "add chain netdev n both { type filter hook ingress devices = { v0, v1 } priority 0 ; }",
    addChain({
      family: "netdev",
      table: "n",
      chain: "both",
      base: { type: "filter", hook: "ingress", priority: 0, devices: ["v1", "v0"] },
    }),
    chainBody as Codec<unknown>,
  ],
  [
    "add chain bridge b forwards { type filter hook forward priority filter ; }",
    addChain({
      family: "bridge",
      table: "b",
      chain: "forwards",
      base: { type: "filter", hook: "forward", priority: -200 },
    }),
    chainBody as Codec<unknown>,
  ],
  ["delete chain inet t plain", deleteChain({ ...T, chain: "plain" }), chainBody as Codec<unknown>],
  ["add rule inet t input accept", addRule({ ...T, chain: "input", statements: [accept] }), ruleBody as Codec<unknown>],
  [
    "insert rule inet t input drop",
    addRule({ ...T, chain: "input", statements: [drop] }, { place: { at: "start" } }),
    ruleBody as Codec<unknown>,
  ],
  [
    "add rule inet t input index 0 counter",
    addRule({ ...T, chain: "input", statements: [counter()] }, { place: { after: 35n } }),
    ruleBody as Codec<unknown>,
  ],
  [
    "delete rule inet t input handle 9999",
    deleteRule({ ...T, chain: "input", handle: 9999n }),
    ruleBody as Codec<unknown>,
  ],
  ["flush chain inet t input", deleteRules({ ...T, chain: "input" }), ruleBody as Codec<unknown>],
  ["flush table inet t", deleteRules(T), ruleBody as Codec<unknown>],
];

for (const [command, request, codec] of CHANGES) {
  test(`sends what nft sends for "${command}"`, () => {
    const message = golden(command);
    assertSameMessage(request, message, codec);
  });
}

const PORTS: SetDefinition = { ...T, set: "ports", key: ["inet_service"] };
const NETS: SetDefinition = { ...T, set: "nets", key: ["ipv4_addr"], interval: true };
const SIX: SetDefinition = { ...T, set: "six", key: ["ipv6_addr"] };
const PAIR: SetDefinition = { ...T, set: "pair", key: ["ipv4_addr", "inet_service"], interval: true };
const NAMES: SetDefinition = { ...T, set: "names", key: ["ifname"] };
const PUBLISH: SetDefinition = { ...T, set: "publish", key: ["inet_service"], value: ["ipv4_addr", "inet_service"] };
const ADDR: SetDefinition = { ...T, set: "addr", key: ["inet_service"], value: ["ipv4_addr"] };
const VERDICTS: SetDefinition = { ...T, set: "verdicts", key: ["inet_proto", "inet_service"], value: "verdict" };
const JUMPS: SetDefinition = { ...T, set: "jumps", key: ["ipv4_addr"], value: "verdict", interval: true };

const KEY_SETS = Object.keys(dataTypes)
  .filter((name) => !["ipv4_addr", "ipv6_addr", "inet_service", "mark", "ifname"].includes(name))
  .map((name) => {
    const definition: SetDefinition = { ...T, set: `key_${name}`, key: [name as DataTypeName] };
    return [`add set inet t key_${name} { type ${name} ; }`, addSet({ ...definition, id: 1 })] as const;
  });

// table: input of nft(8), and the call of ours that must make the same set
const SETS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  ["add set inet t ports { type inet_service ; }", addSet({ ...PORTS, id: 1 })],
  [
    'add set inet t nets { type ipv4_addr ; flags interval ; auto-merge ; comment "nets" ; }',
    addSet({ ...NETS, id: 1, autoMerge: true, comment: "nets" }),
  ],
  [
    "add set inet t six { type ipv6_addr ; flags timeout ; timeout 30s ; gc-interval 10s ; size 1000 ; }",
    addSet({ ...SIX, id: 1, timeoutMs: 30_000, garbageCollectionMs: 10_000, elementsMax: 1000 }),
  ],
  ["add set inet t pair { type ipv4_addr . inet_service ; flags interval ; }", addSet({ ...PAIR, id: 1 })],
  [
    "add set inet t names { type ifname ; policy memory ; counter ; }",
    addSet({ ...NAMES, id: 1, policy: "memory", counter: true }),
  ],
  ["add map inet t publish { type inet_service : ipv4_addr . inet_service ; }", addSet({ ...PUBLISH, id: 1 })],
  ["add map inet t addr { type inet_service : ipv4_addr ; }", addSet({ ...ADDR, id: 1 })],
  ["add map inet t verdicts { type inet_proto . inet_service : verdict ; }", addSet({ ...VERDICTS, id: 1 })],
  ["add map inet t jumps { type ipv4_addr : verdict ; flags interval ; }", addSet({ ...JUMPS, id: 1 })],
  ...KEY_SETS,
];

for (const [command, request] of SETS) {
  test(`makes the set that nft makes for "${command}"`, () => {
    const message = golden(command);
    const [own] = decodeMessages(encodeRequest(request, 0));
    assert.ok(own !== undefined);
    assert.deepEqual([own.type, own.flags & ~NLM_F_ACK], [message.type, message.flags]);
    const { userData: wanted, ...expected } = decodeFaithfully(message, setBody);
    const { userData, ...actual } = decodeFaithfully(own, setBody);
    assert.deepEqual(actual, expected);
    // nft also keeps how the set was written ("typeof", and whether values are intervals), which it does not need back.
    const kept = decodeUserData(wanted ?? new Uint8Array(0)).filter(({ type }) => [0, 1, 2, 7].includes(type));
    assert.deepEqual(decodeUserData(userData ?? new Uint8Array(0)), kept);
  });
}

test("deletes sets as nft does", () => {
  assertSameMessage(deleteSet(PORTS), golden("delete set inet t ports"), setBody);
  assertSameMessage(deleteAllElements(PORTS), golden("flush set inet t ports"), elementListBody);
});

// table: input of nft(8), and the calls of ours that must add the same elements
const ELEMENTS: readonly (readonly [string, readonly NetlinkRequest<unknown>[]])[] = [
  ["add element inet t ports { 80, 443 }", addElements(PORTS, [{ key: [80] }, { key: [443] }])],
  [
    "add element inet t nets { 10.0.0.0/8, 192.168.1.5, 172.16.0.1-172.16.0.9 }",
    addElements(NETS, [
      { key: ["10.0.0.0/8"] },
      { key: [{ from: "172.16.0.1", to: "172.16.0.9" }] },
      { key: ["192.168.1.5"] },
    ]),
  ],
  [
    "add element inet t pair { 10.0.0.0/24 . 80-90, 10.1.0.1 . 443 }",
    addElements(PAIR, [{ key: ["10.0.0.0/24", { from: 80, to: 90 }] }, { key: ["10.1.0.1", 443] }]),
  ],
  [
    "add element inet t publish { 8080 : 10.0.0.2 . 80 }",
    addElements(PUBLISH, [{ key: [8080], value: ["10.0.0.2", 80] }]),
  ],
  ["add element inet t addr { 8080 : 10.0.0.2 }", addElements(ADDR, [{ key: [8080], value: ["10.0.0.2"] }])],
  [
    "add element inet t verdicts { tcp . 22 : accept, udp . 53 : jump plain }",
    addElements(VERDICTS, [
      { key: ["tcp", 22], value: { code: "accept" } },
      { key: ["udp", 53], value: { code: "jump", chain: "plain" } },
    ]),
  ],
  [
    "add element inet t jumps { 10.0.0.0/24 : goto plain, 10.0.1.0/24 : drop }",
    addElements(JUMPS, [
      { key: ["10.0.0.0/24"], value: { code: "goto", chain: "plain" } },
      { key: ["10.0.1.0/24"], value: { code: "drop" } },
    ]),
  ],
  ["delete element inet t ports { 80 }", deleteElements(PORTS, [{ key: [80] }])],
];

for (const [command, requests] of ELEMENTS) {
  test(`sends the elements that nft sends for "${command}"`, () => {
    assert.equal(requests.length, 1);
    const message = golden(command);
    const [own] = decodeMessages(encodeRequest(requests[0] as NetlinkRequest<unknown>, 0));
    assert.ok(own !== undefined);
    assert.deepEqual([own.type, own.flags & ~NLM_F_ACK], [message.type, message.flags]);
    // nft numbers its sets within the batch, which matters for anonymous ones only.
    const { setId: _, ...expected } = decodeList(message);
    assert.deepEqual(decodeFaithfully(own, elementListBody), expected);
  });
}

/** Without comparing bytes: nft numbers the elements of a list, and the kernel looks at none of the numbers. */
function decodeList(message: NetlinkMessage): WireElementList {
  return elementListBody.read(new ByteReader(message.body, "golden"));
}

test("adds elements with a time and a comment", () => {
  const [request] = addElements(SIX, [{ key: ["fd00::1"], timeoutMs: 10_000, comment: "one" }]);
  assert.ok(request !== undefined);
  const [own] = decodeMessages(encodeRequest(request, 0));
  assert.ok(own !== undefined);
  const command = 'add element inet t six { fd00::1 timeout 10s comment "one", fd00::2 expires 5s }';
  assert.deepEqual(decodeFaithfully(own, elementListBody).elements, decodeList(golden(command)).elements?.slice(0, 1));
});

test("refuses elements that do not fit their set", () => {
  const refusals: readonly (readonly [() => unknown, RegExp])[] = [
    [() => addElements(PORTS, [{ key: [80, 81] }]), /its keys have the parts inet_service/],
    [() => addElements(PORTS, [{ key: ["http"] }]), /inet_service": http is not an integer/],
    [() => addElements(PORTS, [{ key: [{ from: 1, to: 2 }] }]), /single keys/],
    [() => addElements(NETS, [{ key: [{ from: "10.0.0.2", to: "10.0.0.1" }] }]), /ends before it begins/],
    [() => addElements(NETS, [{ key: ["fd00::/8"] }]), /not an IPv4 address/],
    [() => addElements(PORTS, [{ key: [1], value: { code: "accept" } }]), /it is no map/],
    [() => addElements(VERDICTS, [{ key: ["tcp", 1], value: [5] }]), /its values are verdicts/],
    [() => addElements(ADDR, [{ key: [1], value: ["10.0.0.1", 5] }]), /its values have the parts ipv4_addr/],
    [() => addSet({ ...T, key: ["mark"] }), /it has neither name nor id/],
    [() => addSet({ ...T, set: "none", key: [] }), /no key type/],
    [() => addChain({ ...T, chain: "c", base: { type: "filter", hook: "egress", priority: 0 } }), /hooks prerouting/],
    [() => addTable({ ...T, comment: "x".repeat(128) }), /nftablesCommentMaxBytes/],
  ];
  for (const [call, words] of refusals) {
    assert.throws(
      call,
      (error) => error instanceof OrlopError && error.code === "invalid" && words.test(error.message),
    );
  }
  const marks: SetDefinition = { ...T, set: "marks", key: ["mark"], interval: true };
  assert.throws(
    () => addElements(marks, [{ key: [{ from: 1, to: 5 }] }]),
    (error) => error instanceof OrlopError && error.code === "unsupported",
  );
});

test("splits many elements into messages", () => {
  const elements = Array.from({ length: 130 }, (_, index) => ({ key: [index + 1] }));
  assert.equal(addElements(PORTS, elements).length, 3);
  assert.deepEqual(addElements(PORTS, []), []);
});
