import assert from "node:assert/strict";
import { SocketAddress } from "node:net";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import {
  formatIpAddress,
  formatIpPrefix,
  lastAddressOf,
  networkOf,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  prefixMask,
} from "./ip-address.ts";

// table: text, and the text that RFC 5952 section 4 asks for
const CANONICAL: readonly (readonly [string, string])[] = [
  ["10.0.0.1", "10.0.0.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:0DB8::0001", "2001:db8::1"],
  ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["::ffff:c000:201", "::ffff:192.0.2.1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["0:0:3:4:5:6:0:0", "::3:4:5:6:0:0"],
  ["fe80:0:0:0:0:0:0:0", "fe80::"],
];

test("formats every address as RFC 5952 asks", () => {
  for (const [text, canonical] of CANONICAL) assert.equal(formatIpAddress(parseIpAddress(text).bytes), canonical, text);
});

test("agrees with Node's own formatting on random IPv6 addresses with many zeros", () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: 16 }, () => (random(3) === 0 ? random(256) : 0));
    const text = formatIpAddress(bytes);
    const whole = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0))
      .map((group) => group.toString(16))
      .join(":");
    // libc writes the deprecated ::a.b.c.d form, which RFC 5952 does not ask for.
    if (!bytes.subarray(0, 12).every((byte) => byte === 0)) {
      assert.equal(text, new SocketAddress({ address: whole, family: "ipv6" }).address);
    }
    assert.deepEqual(parseIpAddress(text).bytes, bytes);
    assert.deepEqual(parseIpAddress(whole).bytes, bytes);
  }
});

test("refuses what is no address or no prefix", () => {
  const addresses = ["", "10.0.0", "10.0.0.256", "10.0.0.01", "fe80::1%eth0", "1::2::3", ":::", "1:2:3:4:5:6:7", "::g"];
  for (const text of addresses) {
    assert.throws(
      () => parseIpAddress(text),
      (error) => error instanceof OrlopError && error.code === "invalid",
      text,
    );
  }
  const prefixes = [
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0.0/1/2",
    "10.0.0.0/-1",
    "/8",
    "10.0.0.0/ 8",
  ];
  for (const text of prefixes) {
    assert.throws(
      () => parseIpPrefix(text),
      (error) => error instanceof OrlopError && error.code === "invalid",
      text,
    );
  }
});

test("knows networks, their last addresses and what lies in them", () => {
  const network = (text: string): string => formatIpPrefix(networkOf(parseIpPrefix(text)));
  assert.equal(network("10.1.2.3/24"), "10.1.2.0/24");
  assert.equal(network("10.1.2.3/20"), "10.1.0.0/20");
  assert.equal(network("10.1.2.3/0"), "0.0.0.0/0");
  assert.equal(network("10.1.2.3"), "10.1.2.3/32");
  assert.equal(network("fd00:1:2:3:4::1/61"), "fd00:1:2::/61");
  const last = (text: string): string => formatIpAddress(lastAddressOf(parseIpPrefix(text)).bytes);
  assert.equal(last("10.1.2.3/24"), "10.1.2.255");
  assert.equal(last("10.1.2.3/22"), "10.1.3.255");
  assert.equal(last("10.1.2.3/32"), "10.1.2.3");
  assert.equal(last("fd00::/126"), "fd00::3");
  const contains = (prefix: string, address: string): boolean =>
    prefixContains(parseIpPrefix(prefix), parseIpAddress(address));
  assert.ok(contains("10.0.0.0/8", "10.255.0.1"));
  assert.ok(!contains("10.0.0.0/8", "11.0.0.1"));
  assert.ok(contains("0.0.0.0/0", "1.2.3.4"));
  assert.ok(!contains("0.0.0.0/0", "::1"), "an IPv6 address lies in no IPv4 network");
  assert.ok(contains("fd00::/9", "fd7f::1"));
  assert.ok(!contains("fd00::/9", "fd80::1"));
  assert.deepEqual([...prefixMask(20, 4)], [255, 255, 240, 0]);
});
