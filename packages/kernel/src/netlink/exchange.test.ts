import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { NetlinkExchange } from "./exchange.ts";
import { type GoldenCapture, goldenCapture, sentBytes } from "./golden/golden-file.ts";
import { decodeMessages, encodeMessage, NLM_F_ACK_TLVS, NLM_F_DUMP_INTR, NLM_F_MULTI } from "./message.ts";
import { nftablesBatch } from "./nftables/batch.ts";
import { addChain } from "./nftables/chain.ts";
import { addRule } from "./nftables/rule.ts";
import { masquerade } from "./nftables/statements/translations.ts";
import { accept } from "./nftables/statements/verdicts.ts";
import { addTable } from "./nftables/table.ts";
import { askedByField, type NetlinkRequest } from "./request.ts";
import { addAddress, deleteAddress } from "./rtnetlink/address-requests.ts";
import { changeLink, createLink, deleteLink, listLinks } from "./rtnetlink/link-requests.ts";
import { addRoute, deleteRoute } from "./rtnetlink/route-requests.ts";

/** Plays a tool's exchange against ours: the same bytes must go out, and the kernel's answer comes in. */
function replay(capture: GoldenCapture, requests: readonly NetlinkRequest<unknown>[], exact = true): NetlinkExchange {
  const golden = sentBytes(capture);
  const [first] = decodeMessages(golden);
  assert.ok(first !== undefined);
  const exchange = new NetlinkExchange(requests, { sequence: first.sequence });
  if (exact) assert.equal(Buffer.from(exchange.bytes).toString("hex"), Buffer.from(golden).toString("hex"));
  for (const hex of capture.exchanges.at(-1)?.received ?? []) exchange.accept(Uint8Array.from(Buffer.from(hex, "hex")));
  return exchange;
}

// table: commands that the kernel refused, our request with the same bytes, and what a user must read
const REFUSALS: readonly (readonly [string, string, NetlinkRequest<unknown>, string, string])[] = [
  [
    "link-answers",
    "ip link add x0 type orlop",
    createLink({ name: "x0", kind: { kind: "unknown", name: "orlop" } }),
    "unsupported",
    'Cannot create orlop link "x0": operation not supported (EOPNOTSUPP); the kernel says "Unknown device type"',
  ],
  [
    "link-answers",
    "ip link add v0 type veth peer name v1",
    createLink({ name: "v0", kind: { kind: "veth", data: { peer: { name: "v1" } } } }),
    "exists",
    'Cannot create veth link "v0": file exists (EEXIST)',
  ],
  [
    "link-answers",
    "ip link set v0 mtu 100000",
    changeLink(10, { mtu: 100_000 }),
    "invalid",
    'Cannot change link "index 10": invalid argument (EINVAL); the kernel says "mtu greater than device maximum"',
  ],
  [
    "address",
    "ip addr add fd00::2/64 dev v0",
    addAddress({ index: 10, address: "fd00::2/64" }),
    "exists",
    'Cannot add address "fd00::2/64": file exists (EEXIST); the kernel says "ipv6: address already assigned"',
  ],
  [
    "address",
    "ip addr del 10.9.9.9/24 dev v0",
    deleteAddress({ index: 10, address: "10.9.9.9/24" }),
    "not-found",
    'Cannot delete address "10.9.9.9/24": cannot assign requested address (EADDRNOTAVAIL); the kernel says "ipv4: Address not found"',
  ],
  [
    "route",
    "ip route add 10.20.0.0/16 via 10.50.0.1",
    addRoute({ destination: "10.20.0.0/16", gateway: "10.50.0.1" }),
    "failed",
    'Cannot add route "10.20.0.0/16": network is unreachable (ENETUNREACH); the kernel says "Nexthop has invalid gateway"',
  ],
  [
    "route",
    "ip route del 10.77.0.0/16",
    deleteRoute({ destination: "10.77.0.0/16" }),
    "not-found",
    'Cannot delete route "10.77.0.0/16": no such process (ESRCH)',
  ],
];

for (const [file, command, request, code, message] of REFUSALS) {
  test(`sends the bytes of "${command}" and tells its refusal in words`, () => {
    assert.throws(
      () => replay(goldenCapture(file, command), [request]),
      (error) => {
        assert.ok(error instanceof OrlopError);
        assert.equal(error.message.replace(/ about .*/, ""), message);
        assert.equal(error.code, code);
        assert.match(error.errno ?? "", /^E[A-Z]+$/);
        return true;
      },
    );
  });
}

// table: batches that the kernel refused
const BATCH_REFUSALS: readonly (readonly [string, NetlinkRequest<unknown>, string, RegExp])[] = [
  [
    "add rule inet t nowhere accept",
    addRule({ family: "inet", table: "t", chain: "nowhere", statements: [accept] }),
    "not-found",
    /^Cannot add rule to chain "inet t nowhere": no such file or directory \(ENOENT\) about NFT_MSG_NEWRULE NFTA_RULE_CHAIN$/,
  ],
  [
    "create table inet t",
    addTable({ family: "inet", table: "t" }, { exclusive: true }),
    "exists",
    /^Cannot add table "inet t": file exists \(EEXIST\) about NFT_MSG_NEWTABLE NFTA_TABLE_NAME$/,
  ],
  [
    "add rule inet t c masquerade",
    addRule({ family: "inet", table: "t", chain: "c", statements: [masquerade()] }),
    "unsupported",
    /^Cannot add rule to chain "inet t c": operation not supported \(EOPNOTSUPP\)/,
  ],
];

for (const [command, request, code, words] of BATCH_REFUSALS) {
  test(`tells which request of a batch was refused: "${command}"`, () => {
    const capture = goldenCapture("nftables-answers", command);
    const at = capture.exchanges.findIndex(({ sent }) => sent.startsWith("140000001000"));
    const own = { ...capture, exchanges: capture.exchanges.slice(0, at + 1) };
    assert.throws(
      () => replay(own, nftablesBatch([request]), false),
      (error) => error instanceof OrlopError && error.code === code && words.test(error.message),
    );
  });
}

const ACK = 2;
const DONE = 3;

function acknowledgement(sequence: number, errno = 0): Uint8Array {
  const body = new Uint8Array(20);
  new DataView(body.buffer).setInt32(0, -errno, true);
  return encodeMessage({ type: ACK, flags: 0x100, sequence, port: 9, body });
}

test("is complete when every owed answer has come, in whatever datagrams", () => {
  const exchange = new NetlinkExchange([deleteLink(1), deleteLink(2)], { sequence: 0xffff_ffff });
  assert.equal(exchange.complete, false);
  assert.equal(exchange.accept(acknowledgement(5)), false, "another exchange's answer");
  assert.equal(exchange.accept(acknowledgement(0xffff_ffff)), false);
  assert.equal(exchange.accept(acknowledgement(0)), true, "sequence numbers wrap");
});

test("names the second request when the second one is refused", () => {
  const second = askedByField(deleteLink("b"), "linux.netDevices.b");
  const exchange = new NetlinkExchange([deleteLink("a"), second], { sequence: 1 });
  const answers = Uint8Array.from([...acknowledgement(1), ...acknowledgement(2, 1)]);
  assert.throws(
    () => exchange.accept(answers),
    (error) =>
      error instanceof OrlopError &&
      error.code === "denied" &&
      error.field === "linux.netDevices.b" &&
      error.message === 'Cannot delete link "b": operation not permitted (EPERM)',
  );
});

test("joins the parts of a dump, and refuses one that was interrupted", () => {
  const list = listLinks();
  const exchange = new NetlinkExchange([list], { sequence: 3 });
  const part = encodeMessage({ type: 16, flags: NLM_F_MULTI, sequence: 3, port: 9, body: new Uint8Array(16) });
  const done = encodeMessage({ type: DONE, flags: NLM_F_MULTI, sequence: 3, port: 9, body: new Uint8Array(4) });
  assert.throws(() => exchange.values(list), /the kernel has not answered yet/);
  assert.equal(exchange.accept(part), false);
  assert.equal(exchange.accept(Uint8Array.from([...part, ...part])), false);
  assert.equal(exchange.accept(done), true);
  assert.equal(exchange.values(list).length, 3);

  const second = new NetlinkExchange([list], { sequence: 3 });
  const torn = encodeMessage({
    type: DONE,
    flags: NLM_F_MULTI | NLM_F_DUMP_INTR,
    sequence: 3,
    port: 9,
    body: new Uint8Array(4),
  });
  assert.throws(
    () => second.accept(torn),
    (error) => error instanceof OrlopError && error.code === "conflict" && error.errno === "EINTR",
  );
});

test("tells the failure that ends a dump", () => {
  const exchange = new NetlinkExchange([listLinks()], { sequence: 3 });
  const body = new Uint8Array(4);
  new DataView(body.buffer).setInt32(0, -105, true);
  const done = encodeMessage({ type: DONE, flags: NLM_F_MULTI, sequence: 3, port: 9, body });
  assert.throws(() => exchange.accept(done), /no buffer space available \(ENOBUFS\)/);
});

test("tells lost answers", () => {
  const exchange = new NetlinkExchange([listLinks()], { sequence: 3 });
  const overrun = encodeMessage({ type: 4, flags: 0, sequence: 3, port: 9, body: new Uint8Array(0) });
  assert.throws(
    () => exchange.accept(overrun),
    (error) => error instanceof OrlopError && error.code === "exhausted",
  );
});

test("names the field that an extended acknowledgement points at, and the one that is missing", () => {
  const request = createLink({ name: "v0", kind: { kind: "veth", data: { peer: { name: "v1" } } } });
  const mark = request.marks.find(({ path }) => path.endsWith("IFLA_INFO_KIND"));
  assert.ok(mark !== undefined);
  const answer = (attributes: readonly number[]): Uint8Array => {
    const body = new Uint8Array(20 + 8 * (attributes.length / 2));
    const view = new DataView(body.buffer);
    view.setInt32(0, -22, true);
    for (let index = 0; index < attributes.length; index += 2) {
      const at = 20 + 4 * index;
      view.setUint16(at, 8, true);
      view.setUint16(at + 2, attributes[index] ?? 0, true);
      view.setUint32(at + 4, attributes[index + 1] ?? 0, true);
    }
    return encodeMessage({ type: ACK, flags: NLM_F_ACK_TLVS | 0x100, sequence: 1, port: 9, body });
  };
  const exchange = new NetlinkExchange([request], { sequence: 1 });
  assert.throws(
    () => exchange.accept(answer([2, 16 + mark.offset])),
    /about RTM_NEWLINK IFLA_LINKINFO\.IFLA_INFO_KIND$/,
  );
  assert.throws(() => exchange.accept(answer([5, 7])), /about RTM_NEWLINK, which lacks attribute 7$/);
  assert.throws(
    () => exchange.accept(answer([5, 7, 6, 16 + 16])),
    /about RTM_NEWLINK IFLA_IFNAME, which lacks attribute 7$/,
  );
  assert.throws(() => exchange.accept(answer([2, 9999])), /about RTM_NEWLINK byte 9999$/);
});

test("refuses more than the socket sends at once, and requests that are not its own", () => {
  const table = addTable({ family: "inet", table: "t" });
  assert.throws(
    () => new NetlinkExchange([table], { sequence: 1, datagramMaxBytes: 20 }),
    (error) =>
      error instanceof OrlopError && error.code === "exhausted" && /datagramMaxBytes is 20/.test(error.message),
  );
  const exchange = new NetlinkExchange([], { sequence: 1 });
  assert.ok(exchange.complete);
  assert.throws(() => exchange.values(table), /it is not of this exchange/);
});

test("a batch asks for one acknowledgement, of its last request", () => {
  const chain = { family: "inet", table: "t", chain: "c" } as const;
  const requests = nftablesBatch([addTable(chain), addChain(chain)], { generation: 7 });
  const exchange = new NetlinkExchange(requests, { sequence: 10 });
  const messages = decodeMessages(exchange.bytes);
  assert.deepEqual(
    messages.map(({ type, flags }) => [type, flags & 4]),
    [
      [0x10, 0],
      [0xa00, 0],
      [0xa03, 4],
      [0x11, 0],
    ],
  );
  assert.equal(Buffer.from(messages[0]?.body ?? []).toString("hex"), "0000000a" + "0800010000000007");
  assert.equal(exchange.accept(acknowledgement(12)), true);
  assert.deepEqual(nftablesBatch([]), []);
});
