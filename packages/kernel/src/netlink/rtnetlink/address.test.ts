import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages } from "../message.ts";
import type { NetlinkRequest } from "../request.ts";
import { addressBody, decodeAddress } from "./address.ts";
import { addAddress, deleteAddress } from "./address-requests.ts";

// table: what iproute2 sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  ["ip addr add 10.0.0.1/24 dev v0", addAddress({ index: 10, address: "10.0.0.1/24" })],
  ["ip addr add 10.0.1.1/24 broadcast + dev v0", addAddress({ index: 10, address: "10.0.1.1/24", broadcast: "+" })],
  [
    "ip addr add 10.0.2.1/24 broadcast 10.0.2.255 label v0:x scope link dev v0",
    addAddress({ index: 10, address: "10.0.2.1/24", broadcast: "10.0.2.255", label: "v0:x", scope: "RT_SCOPE_LINK" }),
  ],
  ["ip addr add 10.0.3.1 peer 10.0.3.2/32 dev v0", addAddress({ index: 10, address: "10.0.3.1", peer: "10.0.3.2/32" })],
  [
    "ip addr add 10.0.4.1/24 metric 50 noprefixroute dev v0",
    addAddress({ index: 10, address: "10.0.4.1/24", metric: 50, flags: ["IFA_F_NOPREFIXROUTE"] }),
  ],
  ["ip addr add fd00::1/64 dev v0 nodad", addAddress({ index: 10, address: "fd00::1/64", flags: ["IFA_F_NODAD"] })],
  [
    "ip addr add fd00::2/64 dev v0 valid_lft 100 preferred_lft 50",
    addAddress({ index: 10, address: "fd00::2/64", validSeconds: 100, preferredSeconds: 50 }),
  ],
  ["ip addr replace fd00::3/128 dev v0", addAddress({ index: 10, address: "fd00::3" }, { replace: true })],
  ["ip addr add 127.0.0.2/8 dev lo", addAddress({ index: 1, address: "127.0.0.2/8" })],
  ["ip addr del 10.0.1.1/24 dev v0", deleteAddress({ index: 10, address: "10.0.1.1/24" })],
  ["ip addr del fd00::1/64 dev v0", deleteAddress({ index: 10, address: "fd00::1/64" })],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command}" sends`, () => {
    const [message] = decodeMessages(sentBytes(goldenCapture("address", command)));
    assert.ok(message !== undefined);
    assertSameMessage(request, message, addressBody);
  });
}

test("reads and writes again every byte of every address request that iproute2 sent", () => {
  for (const capture of goldenCaptures("address")) {
    for (const message of decodeMessages(sentBytes(capture))) {
      if (message.type >= 20) decodeFaithfully(message, addressBody);
    }
  }
});

test("decodes a dump of addresses: own, peer, broadcast, label, flags, lifetime", () => {
  const messages = receivedDatagrams(goldenCapture("address", "ip addr show")).flatMap(decodeMessages);
  const addresses = messages.filter(({ type }) => type === 20).map(decodeAddress);
  const find = (address: string) => addresses.find((candidate) => candidate.address === address);
  assert.deepEqual(find("10.0.2.1"), {
    family: "AF_INET",
    index: 10,
    address: "10.0.2.1",
    prefixLength: 24,
    broadcast: "10.0.2.255",
    label: "v0:x",
    scope: "RT_SCOPE_LINK",
    flags: ["IFA_F_PERMANENT"],
    lifetime: find("10.0.2.1")?.lifetime,
  });
  assert.equal(find("10.0.2.1")?.lifetime?.validSeconds, 0xffff_ffff);
  assert.equal(find("10.0.3.1")?.peer, "10.0.3.2");
  assert.equal(find("10.0.4.1")?.metric, 50);
  assert.ok(find("10.0.4.1")?.flags.includes("IFA_F_NOPREFIXROUTE"));
  assert.deepEqual([find("fd00::2")?.lifetime?.validSeconds, find("fd00::2")?.lifetime?.preferredSeconds], [100, 50]);
  assert.equal(find("127.0.0.1")?.scope, "RT_SCOPE_HOST");
  assert.equal(find("10.0.1.1"), undefined, "it was deleted before the dump");
});

test("refuses addresses that are none", () => {
  for (const address of ["10.0.0.256/24", "10.0.0.1/33", "fd00::1/129", "fe80::1%eth0", "10.0.0.1/", "10.0.0.1/+4"]) {
    assert.throws(
      () => addAddress({ index: 1, address }),
      (error) => error instanceof OrlopError && error.code === "invalid",
      address,
    );
  }
});
