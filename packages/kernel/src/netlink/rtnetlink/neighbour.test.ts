import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages } from "../message.ts";
import { decodeBody, type NetlinkRequest } from "../request.ts";
import { RTM_NEWNEIGH } from "./message-types.ts";
import {
  addForwardingEntry,
  addNeighbour,
  deleteForwardingEntry,
  deleteNeighbour,
  type Neighbour,
  neighbourBody,
} from "./neighbour.ts";

// table: what iproute2 sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  [
    "ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:55 dev v0",
    addNeighbour({ index: 10, address: "10.0.0.5", hardwareAddress: "02:00:00:00:00:55" }),
  ],
  [
    "ip neigh add 10.0.0.6 lladdr 02:00:00:00:00:56 nud reachable dev v0",
    addNeighbour({
      index: 10,
      address: "10.0.0.6",
      hardwareAddress: "02:00:00:00:00:56",
      state: ["NUD_REACHABLE"],
    }),
  ],
  [
    "ip neigh replace fd00::5 lladdr 02:00:00:00:00:57 dev v0 nud permanent router",
    addNeighbour(
      { index: 10, address: "fd00::5", hardwareAddress: "02:00:00:00:00:57", flags: ["NTF_ROUTER"] },
      { replace: true },
    ),
  ],
  ["ip neigh add proxy 10.0.0.7 dev v0", addNeighbour({ index: 10, address: "10.0.0.7", flags: ["NTF_PROXY"] })],
  ["ip neigh del 10.0.0.6 dev v0", deleteNeighbour({ index: 10, address: "10.0.0.6" })],
  [
    "bridge fdb add 02:00:00:00:00:60 dev v1 master static",
    addForwardingEntry({
      index: 11,
      hardwareAddress: "02:00:00:00:00:60",
      table: "NTF_MASTER",
      state: ["NUD_REACHABLE", "NUD_NOARP"],
    }),
  ],
  [
    "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.9 port 4789 vni 43",
    addForwardingEntry(
      {
        index: 2,
        hardwareAddress: "00:00:00:00:00:00",
        table: "NTF_SELF",
        destination: "10.0.0.9",
        port: 4789,
        vni: 43,
      },
      { append: true },
    ),
  ],
  [
    "bridge fdb del 02:00:00:00:00:60 dev v1 master",
    deleteForwardingEntry({ index: 11, hardwareAddress: "02:00:00:00:00:60", table: "NTF_MASTER" }),
  ],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command}" sends`, () => {
    const [message] = decodeMessages(sentBytes(goldenCapture("neighbour", command)));
    assert.ok(message !== undefined);
    assertSameMessage(request, message, neighbourBody);
  });
}

test("reads and writes again every byte of every neighbour request that iproute2 sent", () => {
  for (const capture of goldenCaptures("neighbour")) {
    for (const message of decodeMessages(sentBytes(capture))) {
      if (message.type >= 28) decodeFaithfully(message, neighbourBody);
    }
  }
});

function neighboursOf(command: string): Neighbour[] {
  return receivedDatagrams(goldenCapture("neighbour", command))
    .flatMap(decodeMessages)
    .filter(({ type }) => type === RTM_NEWNEIGH.number)
    .map((message) => decodeBody(message, [RTM_NEWNEIGH], neighbourBody));
}

test("decodes neighbour entries and forwarding entries", () => {
  const [entry] = neighboursOf("ip neigh show").filter(({ destination }) => destination === "10.0.0.5");
  assert.deepEqual(entry, {
    family: "AF_INET",
    index: 10,
    state: ["NUD_PERMANENT"],
    flags: [],
    type: "RTN_UNICAST",
    destination: "10.0.0.5",
    hardwareAddress: "02:00:00:00:00:55",
    probes: 0,
  });
  const entries = neighboursOf("bridge fdb show");
  const tunnel = entries.find(({ destination }) => destination === "10.0.0.9");
  assert.deepEqual([tunnel?.family, tunnel?.vni, tunnel?.flags], ["AF_BRIDGE", 43, ["NTF_SELF"]]);
});
