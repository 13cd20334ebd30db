import assert from "node:assert/strict";
import { test } from "node:test";
import { egressWords, parseEgress } from "./egress-flag.ts";

test("an egress rule is an address, a prefix or a name, with or without ports and a protocol", () => {
  const rules = {
    "192.0.2.7": { to: "192.0.2.7" },
    "10.1.0.0/16": { to: "10.1.0.0/16" },
    "10.1.0.0/16:443": { to: "10.1.0.0/16", protocol: "tcp", ports: [443, 443] },
    "192.0.2.7:53/udp": { to: "192.0.2.7", protocol: "udp", ports: [53, 53] },
    "192.0.2.7/udp": { to: "192.0.2.7", protocol: "udp" },
    "registry.example:443": { to: "registry.example", protocol: "tcp", ports: [443, 443] },
    "*.example.com:80-90": { to: "*.example.com", protocol: "tcp", ports: [80, 90] },
    "2001:db8::1": { to: "2001:db8::1" },
    "2001:db8::/32": { to: "2001:db8::/32" },
    "2001:db8::/32/udp": { to: "2001:db8::/32", protocol: "udp" },
    "[2001:db8::1]:443": { to: "2001:db8::1", protocol: "tcp", ports: [443, 443] },
    "[2001:db8::/32]:443/udp": { to: "2001:db8::/32", protocol: "udp", ports: [443, 443] },
  } as const;
  for (const [text, rule] of Object.entries(rules)) {
    assert.deepEqual(parseEgress(text), rule, text);
    const [word = ""] = egressWords({ allow: [rule] });
    assert.deepEqual(parseEgress(word), rule, word);
  }
  assert.deepEqual([parseEgress("all"), parseEgress("none")], ["all", "none"]);
  assert.deepEqual([egressWords("all"), egressWords({ allow: [] })], [["all"], ["none"]]);
});

test("what is no egress rule is refused", () => {
  for (const text of ["", ":443", "a:0", "a:70000", "a:9-8", "a:80/icmp", "[::1", "a:b", "*.", "a..b", "a.*.b"]) {
    assert.throws(() => parseEgress(text), { code: "invalid" }, text);
  }
});
