import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SubnetAddresses } from "./subnet-addresses.ts";

suite("the addresses of a subnet", () => {
  test("are counted from its own", () => {
    const addresses = new SubnetAddresses({ prefix: "172.30.0.0/16" });
    assert.deepEqual([addresses.first, addresses.last], [1, 65_534]);
    assert.equal(addresses.address(258), "172.30.1.2");
    assert.equal(addresses.ordinal("172.30.1.2"), 258);
    assert.equal(addresses.ordinal("172.29.0.1"), undefined);
  });

  test("are those of the range, without what no host may have", () => {
    const low = new SubnetAddresses({ prefix: "10.0.0.0/24", range: "10.0.0.0/30" });
    assert.deepEqual([low.first, low.last], [1, 3]);
    const high = new SubnetAddresses({ prefix: "10.0.0.0/24", range: "10.0.0.252/30" });
    assert.deepEqual([high.first, high.last], [252, 254]);
  });

  test("are, of IPv6, those that can be counted", () => {
    const addresses = new SubnetAddresses({ prefix: "fd00:1:2::/64" });
    assert.deepEqual([addresses.first, addresses.last], [1, 2 ** 48]);
    assert.equal(addresses.address(65_536), "fd00:1:2::1:0");
    assert.equal(addresses.ordinal("fd00:1:2::ffff:ffff:ffff:ffff"), undefined);
  });
});
