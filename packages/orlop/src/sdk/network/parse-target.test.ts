import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseTarget } from "./parse-target.ts";

describe("what a sandbox may reach", () => {
  test("is an address or a prefix, with ports of a protocol", () => {
    const cases = {
      "192.0.2.7": { to: "192.0.2.7" },
      "192.0.2.0/24": { to: "192.0.2.0/24" },
      "192.0.2.7:443": { to: "192.0.2.7", protocol: "tcp", ports: [443, 443] },
      "192.0.2.0/24:80-90/udp": { to: "192.0.2.0/24", protocol: "udp", ports: [80, 90] },
      "192.0.2.7/sctp": { to: "192.0.2.7", protocol: "sctp" },
      "2001:db8::1": { to: "2001:db8::1" },
      "2001:db8::/32/tcp": { to: "2001:db8::/32", protocol: "tcp" },
      "[2001:db8::1]:53/udp": { to: "2001:db8::1", protocol: "udp", ports: [53, 53] },
    };
    for (const [text, rule] of Object.entries(cases)) assert.deepEqual(parseTarget(text), rule);
  });

  test("is refused by name", () => {
    for (const text of [
      "",
      ":443",
      "192.0.2.7:0",
      "192.0.2.7:9-1",
      "192.0.2.7:70000",
      "192.0.2.7/icmp",
      "a b",
      "[a]",
    ]) {
      assert.throws(() => parseTarget(text), { code: text === "[a]" ? "unsupported" : "invalid" }, text);
    }
    for (const text of ["registry.example:443", "*.example", "localhost"]) {
      assert.throws(() => parseTarget(text), { code: "unsupported", message: /only addresses can be allowed/ });
    }
  });
});
