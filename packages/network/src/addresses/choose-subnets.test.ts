import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { chooseSubnets } from "./choose-subnets.ts";

suite("the subnets of a new network", () => {
  test("are the first private one that neither a route nor a network overlaps with", () => {
    assert.deepEqual(chooseSubnets({ name: "a" }, []), [{ prefix: "172.30.0.0/16", gateway: "172.30.0.1" }]);
    const used = ["172.30.5.0/24", "172.31.0.0/16", "172.18.0.1/32"];
    assert.deepEqual(chooseSubnets({ name: "b" }, used), [{ prefix: "172.19.0.0/16", gateway: "172.19.0.1" }]);
    assert.throws(() => chooseSubnets({ name: "c" }, ["172.16.0.0/12", "10.0.0.0/8"]), { code: "exhausted" });
  });

  test("have a unique local one of IPv6 where that is asked for", () => {
    const [four, six] = chooseSubnets({ name: "a", ipv6: true }, []);
    assert.equal(four?.prefix, "172.30.0.0/16");
    assert.match(six?.prefix ?? "", /^fd[0-9a-f:]+\/64$/);
    assert.equal(six?.gateway, six?.prefix.replace("/64", "1"));
  });

  test("are of IPv6 alone where only such a subnet is named", () => {
    const subnets = [{ prefix: "fd00:1::/64", gateway: "fd00:1::ff" }];
    assert.deepEqual(chooseSubnets({ name: "a", subnets }, []), subnets);
  });

  test("keep the gateway and the range that are asked for, in their usual form", () => {
    const subnets = [{ prefix: "10.9.0.0/16", gateway: "10.9.255.254", range: "10.9.4.0/24" }];
    assert.deepEqual(chooseSubnets({ name: "a", subnets }, ["10.8.0.0/16"]), subnets);
  });

  for (const [title, subnet] of [
    ["a gateway that is the subnet's own address", { prefix: "10.9.0.0/24", gateway: "10.9.0.0" }],
    ["a gateway that is everybody's address", { prefix: "10.9.0.0/24", gateway: "10.9.0.255" }],
    ["a range that is larger", { prefix: "10.9.0.0/24", range: "10.9.0.0/16" }],
    ["a range elsewhere", { prefix: "10.9.0.0/24", range: "10.8.0.0/25" }],
    ["no room", { prefix: "10.9.0.0/32" }],
    ["no prefix", { prefix: "ten" }],
  ] as const) {
    test(`are refused with ${title}`, () => {
      assert.throws(() => chooseSubnets({ name: "a", subnets: [subnet] }, []), { code: "invalid" });
    });
  }

  test("are refused with IPv6 that is not to be", () => {
    const subnets = [{ prefix: "fd00::/64" }];
    assert.throws(() => chooseSubnets({ name: "a", subnets, ipv6: false }, []), { code: "invalid" });
  });
});
