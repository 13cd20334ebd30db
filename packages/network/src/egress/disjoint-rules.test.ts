import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { EgressRule } from "@orlop/core";
import { disjointPolicy } from "./disjoint-rules.ts";

function disjoint(...allow: readonly EgressRule[]): readonly EgressRule[] {
  const policy = disjointPolicy({ allow });
  assert.notEqual(policy, "all");
  return policy === "all" ? [] : policy.allow;
}

suite("rules that do not overlap", () => {
  test("are one for each prefix and run of ports", () => {
    const rules = disjoint(
      { to: "10.0.0.9/8", protocol: "tcp", ports: [80, 90] },
      { to: "10.0.0.0/8", protocol: "tcp", ports: [91, 100] },
      { to: "10.0.0.0/8", protocol: "tcp", ports: [70, 85] },
      { to: "10.0.0.0/8", protocol: "udp", ports: [53, 53] },
    );
    assert.deepEqual(rules, [
      { to: "10.0.0.0/8", protocol: "tcp", ports: [70, 100] },
      { to: "10.0.0.0/8", protocol: "udp", ports: [53, 53] },
    ]);
  });

  test("leave out what a larger prefix allows", () => {
    const rules = disjoint(
      { to: "10.0.0.0/8", protocol: "tcp", ports: [443, 443] },
      { to: "10.1.0.0/16", protocol: "tcp", ports: [440, 450] },
      { to: "10.1.2.3" },
      { to: "10.1.2.3", protocol: "udp" },
    );
    assert.deepEqual(rules, [
      { to: "10.0.0.0/8", protocol: "tcp", ports: [443, 443] },
      { to: "10.1.0.0/16", protocol: "tcp", ports: [440, 442] },
      { to: "10.1.0.0/16", protocol: "tcp", ports: [444, 450] },
      { to: "10.1.2.3/32" },
    ]);
    assert.deepEqual(disjoint({ to: "0.0.0.0/0" }, { to: "10.1.2.3" }, { to: "::/0" }), [
      { to: "0.0.0.0/0" },
      { to: "::/0" },
    ]);
  });

  test("are the same whatever the order was", () => {
    const rules: readonly EgressRule[] = [
      { to: "10.0.0.0/8", protocol: "tcp", ports: [1, 9] },
      { to: "fd00::/8" },
      { to: "10.2.0.0/16", protocol: "tcp", ports: [5, 20] },
    ];
    assert.deepEqual(disjoint(...rules), disjoint(...rules.toReversed()));
    const again = disjoint(...rules);
    assert.deepEqual(disjoint(...again), again);
  });

  test("are refused where they mean nothing", () => {
    assert.throws(() => disjoint({ to: "every body" }), { code: "invalid" });
    assert.throws(() => disjoint({ to: "10.0.0.1", ports: [1, 2] }), { code: "invalid", message: /no protocol/ });
    assert.throws(() => disjoint({ to: "10.0.0.1", protocol: "tcp", ports: [2, 1] }), { code: "invalid" });
    assert.throws(() => disjoint({ to: "10.0.0.1", protocol: "tcp", ports: [1, 65_536] }), { code: "invalid" });
    const many = Array.from({ length: 1025 }, (_, index) => ({ to: `10.${index >> 8}.${index & 255}.1` }));
    assert.throws(() => disjoint(...many), { code: "exhausted" });
  });

  test("leave alone what is not limited", () => {
    assert.equal(disjointPolicy("all"), "all");
    assert.deepEqual(disjoint(), []);
  });
});
