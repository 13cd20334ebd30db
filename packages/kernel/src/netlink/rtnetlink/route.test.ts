import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages } from "../message.ts";
import type { NetlinkRequest } from "../request.ts";
import { routeBody } from "./route.ts";
import { addRoute, decodeRoute, deleteRoute, lookUpRoute, type Route } from "./route-requests.ts";

// table: what iproute2 sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  ["ip route add default via 10.0.0.254", addRoute({ destination: "0.0.0.0/0", gateway: "10.0.0.254" })],
  [
    "ip route add 10.5.0.0/16 via 10.0.0.254 dev v0 metric 100",
    addRoute({ destination: "10.5.0.0/16", gateway: "10.0.0.254", outputInterface: 10, metric: 100 }),
  ],
  [
    "ip route add 10.6.0.0/16 dev v0 scope link src 10.0.0.1",
    addRoute({ destination: "10.6.0.0/16", outputInterface: 10, preferredSource: "10.0.0.1" }),
  ],
  [
    "ip route add 10.7.0.0/16 via 10.99.0.1 dev v0 onlink",
    addRoute({ destination: "10.7.0.0/16", gateway: "10.99.0.1", outputInterface: 10, flags: ["RTNH_F_ONLINK"] }),
  ],
  [
    "ip route add 10.8.0.0/16 via 10.0.0.254 table 1000",
    addRoute({ destination: "10.8.0.0/16", gateway: "10.0.0.254", table: 1000 }),
  ],
  ["ip route add blackhole 10.9.0.0/16", addRoute({ destination: "10.9.0.0/16", type: "RTN_BLACKHOLE" })],
  [
    "ip route add unreachable 10.10.0.0/16 metric 4096",
    addRoute({ destination: "10.10.0.0/16", type: "RTN_UNREACHABLE", metric: 4096 }),
  ],
  ["ip route add prohibit 10.11.0.0/16", addRoute({ destination: "10.11.0.0/16", type: "RTN_PROHIBIT" })],
  [
    "ip route add 10.12.0.0/16 nexthop via 10.0.0.254 dev v0 weight 1 nexthop via 10.0.1.254 dev v1 weight 5",
    addRoute({
      destination: "10.12.0.0/16",
      nextHops: [
        { gateway: "10.0.0.254", outputInterface: 10 },
        { gateway: "10.0.1.254", outputInterface: 11, weight: 5 },
      ],
    }),
  ],
  [
    "ip route add 10.13.0.0/16 via 10.0.0.254 mtu 1400 advmss 1300 proto static",
    addRoute({
      destination: "10.13.0.0/16",
      gateway: "10.0.0.254",
      metrics: { mtu: 1400, advertisedMss: 1300 },
      protocol: "RTPROT_STATIC",
    }),
  ],
  [
    "ip route replace 10.5.0.0/16 via 10.0.0.253 dev v0 metric 100",
    addRoute(
      { destination: "10.5.0.0/16", gateway: "10.0.0.253", outputInterface: 10, metric: 100 },
      { mode: "replace" },
    ),
  ],
  [
    "ip route add local 10.14.0.0/16 dev lo",
    addRoute({ destination: "10.14.0.0/16", type: "RTN_LOCAL", outputInterface: 1 }),
  ],
  [
    "ip route add default via fd00::ff dev v0 metric 5",
    addRoute({ destination: "::/0", gateway: "fd00::ff", outputInterface: 10, metric: 5 }),
  ],
  ["ip route add fd05::/64 dev v0", addRoute({ destination: "fd05::/64", outputInterface: 10 })],
  [
    "ip route add fd06::/64 nexthop via fd00::fe dev v0 nexthop via fd01::fe dev v1",
    addRoute({
      destination: "fd06::/64",
      nextHops: [
        { gateway: "fd00::fe", outputInterface: 10 },
        { gateway: "fd01::fe", outputInterface: 11 },
      ],
    }),
  ],
  [
    "ip route add 10.15.0.0/16 via inet6 fd00::ff dev v0",
    addRoute({ destination: "10.15.0.0/16", gateway: "fd00::ff", outputInterface: 10 }),
  ],
  [
    "ip route append 10.16.0.0/16 via 10.0.0.254",
    addRoute({ destination: "10.16.0.0/16", gateway: "10.0.0.254" }, { mode: "append" }),
  ],
  ["ip route del 10.5.0.0/16 metric 100", deleteRoute({ destination: "10.5.0.0/16", metric: 100 })],
  ["ip route del default", deleteRoute({ destination: "0.0.0.0/0" })],
  ["ip -6 route del fd05::/64 dev v0", deleteRoute({ destination: "fd05::/64", outputInterface: 10 })],
  ["ip route get 10.12.0.5", lookUpRoute("10.12.0.5")],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command}" sends`, () => {
    const capture = goldenCapture("route", command);
    const message = capture.exchanges
      .map(({ sent = "" }) => decodeMessages(Uint8Array.from(Buffer.from(sent, "hex")))[0])
      .find((candidate) => candidate?.type === request.type.number);
    assert.ok(message !== undefined);
    assertSameMessage(request, message, routeBody);
  });
}

test("reads and writes again every byte of every route request that iproute2 sent", () => {
  for (const capture of goldenCaptures("route")) {
    for (const message of decodeMessages(sentBytes(capture))) {
      if (message.type >= 24) decodeFaithfully(message, routeBody);
    }
  }
});

function routesOf(command: string): Route[] {
  return receivedDatagrams(goldenCapture("route", command))
    .flatMap(decodeMessages)
    .filter(({ type }) => type === 24)
    .map(decodeRoute);
}

test("decodes a dump of IPv4 routes", () => {
  const routes = routesOf("ip -4 route show");
  const find = (destination: string) => routes.find((route) => route.destination === destination);
  assert.deepEqual(find("10.12.0.0/16")?.nextHops, [
    { gateway: "10.0.0.254", outputInterface: 10, weight: 1, flags: [] },
    { gateway: "10.0.1.254", outputInterface: 11, weight: 5, flags: [] },
  ]);
  assert.deepEqual(find("10.13.0.0/16"), {
    family: "AF_INET",
    destination: "10.13.0.0/16",
    gateway: "10.0.0.254",
    outputInterface: 10,
    metrics: { mtu: 1400, advertisedMss: 1300 },
    table: 254,
    type: "RTN_UNICAST",
    scope: "RT_SCOPE_UNIVERSE",
    protocol: "RTPROT_STATIC",
    flags: [],
  });
  assert.equal(find("10.9.0.0/16")?.type, "RTN_BLACKHOLE");
  assert.deepEqual(find("10.7.0.0/16")?.flags, ["RTNH_F_ONLINK"]);
  assert.equal(find("10.15.0.0/16")?.gateway, "fd00::ff");
  assert.equal(find("10.0.0.0/24")?.preferredSource, "10.0.0.1");
  assert.equal(find("10.0.0.0/24")?.protocol, "RTPROT_KERNEL");
});

test("decodes routes of all tables and IPv6 routes", () => {
  const all = routesOf("ip route show table all");
  assert.equal(all.find((route) => route.destination === "10.8.0.0/16")?.table, 1000);
  assert.equal(all.find((route) => route.destination === "10.14.0.0/16")?.table, 255);
  const six = routesOf("ip -6 route show");
  const standard = six.find((route) => route.destination === "::/0");
  assert.deepEqual([standard?.gateway, standard?.metric], ["fd00::ff", 5]);
});

test("refuses routes that no kernel takes, by what is wrong", () => {
  const refusals: readonly (readonly [() => unknown, RegExp])[] = [
    [() => addRoute({ destination: "10.5.0.1/16" }), /bits set behind its prefix length\nTry 10\.5\.0\.0\/16\./],
    [() => addRoute({ destination: "10.0.0.0/8", nextHops: [{ weight: 0 }] }), /0 is not from 1 to 256/],
    [() => addRoute({ destination: "nonsense" }), /"nonsense"/],
    [() => addRoute({ destination: "10.0.0.0/8", preferredSource: "x" }), /RTA_PREFSRC/],
  ];
  for (const [call, words] of refusals) {
    assert.throws(
      call,
      (error) => error instanceof OrlopError && error.code === "invalid" && words.test(error.message),
    );
  }
});
