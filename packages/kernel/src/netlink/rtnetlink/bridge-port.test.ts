import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages } from "../message.ts";
import { decodeBody, type NetlinkRequest } from "../request.ts";
import { addBridgeVlans, bridgePortBody, changeBridgePort, deleteBridgeVlans, listBridgePorts } from "./bridge-port.ts";
import { RTM_NEWLINK } from "./message-types.ts";

const LINK_SET =
  "bridge link set dev v0 hairpin on isolated on learning off flood off mcast_flood off bcast_flood on guard on root_block off";

// table: what bridge(8) sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  [
    LINK_SET,
    changeBridgePort(10, {
      hairpin: true,
      isolated: true,
      learning: false,
      unicastFlood: false,
      multicastFlood: false,
      broadcastFlood: true,
      bpduGuard: true,
      rootBlock: false,
    }),
  ],
  [
    "bridge link set dev v0 fastleave on neigh_suppress on cost 5 priority 8 state 2",
    changeBridgePort(10, {
      fastLeave: true,
      neighbourSuppression: true,
      cost: 5,
      priority: 8,
      state: "BR_STATE_LEARNING",
    }),
  ],
  ["bridge vlan add dev v0 vid 5 pvid untagged", addBridgeVlans({ index: 10, id: 5, pvid: true, untagged: true })],
  ["bridge vlan add dev v0 vid 10-20", addBridgeVlans({ index: 10, id: [10, 20] })],
  ["bridge vlan add dev br0 vid 5 self", addBridgeVlans({ index: 20, id: 5, self: true })],
  ["bridge vlan del dev v0 vid 5", deleteBridgeVlans({ index: 10, id: 5 })],
  ["bridge vlan show", listBridgePorts()],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command.slice(0, 60)}" sends`, () => {
    const [message] = decodeMessages(sentBytes(goldenCapture("bridge-port", command)));
    assert.ok(message !== undefined);
    assertSameMessage(request, message, bridgePortBody);
  });
}

test("reads and writes again every byte of every request that bridge(8) sent", () => {
  for (const capture of goldenCaptures("bridge-port")) {
    for (const message of decodeMessages(sentBytes(capture))) decodeFaithfully(message, bridgePortBody);
  }
});

test("decodes the ports of a bridge", () => {
  const messages = receivedDatagrams(goldenCapture("link-answers", "bridge -d link show")).flatMap(decodeMessages);
  const ports = messages
    .filter(({ type }) => type === RTM_NEWLINK.number)
    .map((message) => decodeBody(message, [RTM_NEWLINK], bridgePortBody));
  const [port] = ports.filter(({ name }) => name === "v0");
  assert.equal(port?.family, "AF_BRIDGE");
  assert.equal(port?.master, 20);
  assert.equal(port?.options?.state, "BR_STATE_FORWARDING");
  assert.equal(port?.options?.isolated, false);
});

test("refuses VLANs that cannot be", () => {
  for (const vlans of [{ id: 0 }, { id: 4095 }, { id: [1, 4095] as const }, { id: [1, 2] as const, pvid: true }]) {
    assert.throws(
      () => addBridgeVlans({ index: 1, ...vlans }),
      (error) => error instanceof OrlopError && error.code === "invalid" && /VLAN/.test(error.message),
    );
  }
});
