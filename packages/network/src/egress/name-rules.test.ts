import assert from "node:assert/strict";
import { test } from "node:test";
import { disjointPolicy } from "./disjoint-rules.ts";
import { isFoundAllowed, isNamed, normalName, servicesOf, withFound } from "./name-rules.ts";

test("names are written in one way, and what is neither a name nor an address is refused", () => {
  assert.deepEqual(
    disjointPolicy({ allow: [{ to: "Registry.Example." }, { to: "registry.example", protocol: "tcp" }] }),
    {
      allow: [{ to: "registry.example" }],
    },
  );
  const ports = (first: number, last: number) => ({ to: "a.example", protocol: "tcp", ports: [first, last] }) as const;
  assert.deepEqual(disjointPolicy({ allow: [ports(90, 100), ports(80, 89), { to: "10.0.0.0/8" }] }), {
    allow: [{ to: "10.0.0.0/8" }, ports(80, 100)],
  });
  for (const to of ["", "a..b", "*", "*.", "a.*.b", "10.0.0", "300.1.1.1", "a b", "ä.example", `${"a".repeat(64)}.b`]) {
    assert.throws(() => normalName(to), { code: "invalid" }, to);
  }
});

test("a star stands for all names below, and not for the name itself", () => {
  const rule = { to: "*.example.com" };
  assert.deepEqual(
    ["a.example.com", "a.b.example.com", "example.com", "badexample.com"].map((name) => isNamed(rule, name)),
    [true, true, false, false],
  );
});

test("ports of several names are cut where any of them begins or ends, so that none overlap", () => {
  const rules = [
    { to: "a.example", protocol: "tcp", ports: [80, 443] },
    { to: "*.example", protocol: "tcp", ports: [100, 500] },
    { to: "10.0.0.1", protocol: "tcp", ports: [1, 65_535] },
    { to: "all.example" },
  ] as const;
  const ranges = (name: string): unknown => {
    const services = servicesOf(rules, name);
    return services === "all" ? services : services.map(({ ports }) => ports.join("-"));
  };
  assert.deepEqual(ranges("a.example"), ["80-99", "100-443", "444-500"]);
  assert.deepEqual(ranges("b.example"), ["100-443", "444-500"]);
  assert.deepEqual(ranges("all.example"), "all");
  assert.deepEqual(ranges("example"), []);
});

test("names have the addresses that were found, none of which is this machine's own or a group's", () => {
  const found = [{ name: "a.example", address: "192.0.2.1", untilMs: 0 }];
  assert.deepEqual(withFound([{ to: "*.example", protocol: "tcp" }, { to: "10.0.0.0/8" }], found), [
    { to: "192.0.2.1", protocol: "tcp" },
    { to: "10.0.0.0/8" },
  ]);
  const forbidden = ["127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255"];
  for (const address of [...forbidden, "::1", "::", "::ffff:127.0.0.1", "fe80::1", "ff02::1"]) {
    assert.equal(isFoundAllowed(address), false, address);
  }
  for (const address of ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1"])
    assert.equal(isFoundAllowed(address), true);
});
