import assert from "node:assert/strict";
import { test } from "node:test";
import { mayLeadOut } from "./cni-default-route.ts";
import type { Conflist } from "./conflist.ts";

const list = (...configs: readonly Record<string, unknown>[]): Conflist =>
  ({ name: "x", cniVersion: "1.0.0", plugins: configs.map((config) => ({ config })) }) as unknown as Conflist;

test("a list is taken to have a default route where its configuration has one or does not tell", () => {
  const subnet = "10.0.0.0/24";
  const cases: readonly (readonly [Conflist, boolean])[] = [
    [list({ type: "ptp", ipam: { type: "host-local", subnet } }, { type: "tuning" }), false],
    [list({ type: "macvlan", ipam: { type: "static", routes: [{ dst: "10.1.0.0/16" }] } }), false],
    [list({ type: "macvlan", ipam: {} }), false],
    [list({ type: "bridge", isDefaultGateway: true, ipam: { type: "host-local", subnet } }), true],
    [list({ type: "bridge", ipam: { type: "host-local", subnet, routes: [{ dst: "0.0.0.0/0" }] } }), true],
    [list({ type: "bridge", ipam: { type: "host-local", subnet, routes: [null, { dst: "::/0" }] } }), true],
    [list({ type: "macvlan", ipam: { type: "dhcp" } }), true],
  ];
  for (const [each, expected] of cases) assert.equal(mayLeadOut(each), expected, JSON.stringify(each.plugins));
});
