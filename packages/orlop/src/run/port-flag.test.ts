import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PublishedPort } from "@orlop/core";
import { parseExposedPort, parsePublishedPort } from "./port-flag.ts";

describe("a published port", () => {
  const cases: readonly (readonly [text: string, port: PublishedPort])[] = [
    ["80", { protocol: "tcp", containerPort: 80, count: 1 }],
    ["8080:80", { protocol: "tcp", hostPort: 8080, containerPort: 80, count: 1 }],
    ["53:53/udp", { protocol: "udp", hostPort: 53, containerPort: 53, count: 1 }],
    ["127.0.0.1::80", { protocol: "tcp", hostAddress: "127.0.0.1", containerPort: 80, count: 1 }],
    ["0.0.0.0:8080:80/SCTP", { protocol: "sctp", hostAddress: "0.0.0.0", hostPort: 8080, containerPort: 80, count: 1 }],
    [
      "[2001:db8::1]:8080:80",
      { protocol: "tcp", hostAddress: "2001:db8::1", hostPort: 8080, containerPort: 80, count: 1 },
    ],
    ["9000-9002:80-82", { protocol: "tcp", hostPort: 9000, containerPort: 80, count: 3 }],
    ["80-82", { protocol: "tcp", containerPort: 80, count: 3 }],
  ];
  for (const [text, port] of cases) test(`is read: ${text}`, () => assert.deepEqual(parsePublishedPort(text), port));

  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    ["", /it is \[ADDRESS:\]/],
    ["http", /it is \[ADDRESS:\]/],
    ["80/http", /the protocols are tcp, udp, sctp/],
    ["0", /ports are numbers from 1 to 65535/],
    ["65536:80", /ports are numbers from 1 to 65535/],
    ["82-80", /82-80 is no range/],
    ["9000-9001:80-82", /2 ports of the host do not fit 3 of the container/],
    ["localhost:80:80", /"localhost" is no address/],
    ["1:2:3:4", /it is \[ADDRESS:\]/],
    ["-", /ports are numbers/],
  ];
  for (const [text, message] of bad) {
    test(`is refused: ${JSON.stringify(text)}`, () =>
      assert.throws(() => parsePublishedPort(text), { code: "invalid", message }));
  }
});

test("an exposed port may be several", () => {
  assert.deepEqual(parseExposedPort("7000-7001/udp"), { protocol: "udp", containerPort: 7000, count: 2 });
  assert.throws(() => parseExposedPort("1:2"), { code: "invalid" });
});
