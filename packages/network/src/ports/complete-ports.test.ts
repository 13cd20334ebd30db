import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { PublishedPort } from "@orlop/core";
import { completePorts, describePort } from "./complete-ports.ts";

const HTTP = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;

suite("published ports", () => {
  test("are one, and on loopback, where nothing is said", () => {
    assert.deepEqual(completePorts([{ protocol: "udp", containerPort: 53 }]), [
      { protocol: "udp", hostAddress: "127.0.0.1", hostPort: 0, containerPort: 53, count: 1 },
    ]);
  });

  test("are described as docker does", () => {
    const texts = completePorts([HTTP, { ...HTTP, hostAddress: "0:0::0", hostPort: 9000, count: 3 }]).map(describePort);
    assert.deepEqual(texts, ["127.0.0.1:8080->80/tcp", "[::]:9000-9002->80-82/tcp"]);
  });

  test("may be the same of another protocol, address or version of IP", () => {
    const ports: readonly PublishedPort[] = [
      HTTP,
      { ...HTTP, protocol: "udp" },
      { ...HTTP, hostAddress: "127.0.0.2" },
      { ...HTTP, hostAddress: "::" },
      { ...HTTP, hostPort: 0 },
      { ...HTTP, hostPort: 0 },
    ];
    assert.equal(completePorts(ports).length, ports.length);
  });

  for (const [title, port, code] of [
    ["port 0 in the container", { ...HTTP, containerPort: 0 }, "invalid"],
    ["ports behind the last", { ...HTTP, hostPort: 65_535, count: 2 }, "invalid"],
    ["half a port", { ...HTTP, containerPort: 80.5 }, "invalid"],
    ["no ports", { ...HTTP, count: 0 }, "invalid"],
    ["a name for an address", { ...HTTP, hostAddress: "localhost" }, "invalid"],
    ["the loopback address of IPv6", { ...HTTP, hostAddress: "::1" }, "unsupported"],
    ["more than can be", { ...HTTP, count: 5000 }, "exhausted"],
    ["one that is there", { ...HTTP, hostAddress: "0.0.0.0", hostPort: 8000, count: 100 }, "conflict"],
  ] as const) {
    test(`are refused with ${title}`, () => {
      assert.throws(() => completePorts([HTTP, port]), { code });
    });
  }
});
