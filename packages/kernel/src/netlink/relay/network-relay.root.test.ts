import assert from "node:assert/strict";
import { readlinkSync, statSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { holdNamespaces, patience } from "@orlop/testkit";
import { createLink, getLink, listLinks } from "../rtnetlink/link-requests.ts";
import { NetworkRelay } from "./network-relay.ts";

const options = process.getuid?.() === 0 ? {} : { skip: "needs root" };

test("talks to the kernel of several namespaces in turn", options, async () => {
  await using held = await holdNamespaces(["net"]);
  await using other = await holdNamespaces(["net"]);
  using relay = await NetworkRelay.start(held.path("net"));
  const { home } = relay;
  await using away = await relay.openNamespace(other.path("net"));
  const pair = { kind: "veth", data: { peer: { name: "inside", netnsFd: away.fd } } } as const;
  await home.route(createLink({ name: "outside", kind: pair }));
  const names = async (namespace: typeof home): Promise<readonly unknown[]> =>
    (await namespace.values("route", listLinks())).map(({ name }) => name).toSorted();
  assert.deepEqual(
    [await names(home), await names(away)],
    [
      ["lo", "outside"],
      ["inside", "lo"],
    ],
  );
  await assert.rejects(home.route(getLink("nobody")), { code: "not-found" });
  await away.writeFile("/proc/sys/net/ipv4/conf/inside/route_localnet", "1");
  assert.equal(await away.readFile("/proc/sys/net/ipv4/conf/inside/route_localnet"), "1\n");
  await assert.rejects(home.readFile("/proc/sys/net/ipv4/conf/inside/route_localnet"), { code: "not-found" });
  assert.notEqual(readlinkSync("/proc/self/ns/net"), `net:[${statSync(held.path("net")).ino}]`);
});

test("a relay that cannot begin where it should is an error, and so is one that is closed", options, async () => {
  await assert.rejects(NetworkRelay.start("/proc/self/ns/nothing"), { code: "not-found" });
  const relay = await NetworkRelay.start();
  const asked = relay.home.readFile("/proc/sys/net/ipv4/ip_forward");
  relay.close();
  await assert.rejects(asked, { code: "conflict" });
  await assert.rejects(relay.home.route(getLink("lo")), { code: "conflict" });
});

test("keeps no namespace alive that has been closed", options, async () => {
  using relay = await NetworkRelay.start();
  const held = await holdNamespaces(["net"]);
  await using watched = await holdNamespaces(["net"]);
  await using outside = await relay.openNamespace(watched.path("net"));
  {
    await using inside = await relay.openNamespace(held.path("net"));
    const peer = { name: "inside", netnsFd: inside.fd };
    await outside.route(createLink({ name: "outside", kind: { kind: "veth", data: { peer } } }));
    await inside.readFile("/proc/sys/net/ipv4/ip_forward");
  }
  await held[Symbol.asyncDispose]();
  const deadline = performance.now() + patience(10_000);
  while ((await outside.values("route", listLinks())).length > 1) {
    assert.ok(performance.now() < deadline, "the other end goes with its namespace");
    await setTimeout(2);
  }
});
