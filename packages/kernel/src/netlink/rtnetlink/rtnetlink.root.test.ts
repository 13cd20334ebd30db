import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { LiveNamespace, whyNoLiveNamespace } from "../live/live-namespace.ts";
import type { NetlinkRequest } from "../request.ts";
import { NETLINK_ROUTE } from "../socket.ts";
import { addAddress, deleteAddress, listAddresses } from "./address-requests.ts";
import { addBridgeVlans, changeBridgePort, listBridgePorts } from "./bridge-port.ts";
import { addAlternativeName, changeLink, createLink, deleteLink, getLink, listLinks } from "./link-requests.ts";
import { addForwardingEntry, addNeighbour, deleteNeighbour, listNeighbours } from "./neighbour.ts";
import { addRoute, deleteRoute, listRoutes, lookUpRoute } from "./route-requests.ts";
import { addRule, deleteRule, listRules } from "./rule-requests.ts";

const missing = whyNoLiveNamespace("ip", "bridge");
const options = missing === undefined ? {} : { skip: missing };

interface IpLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly mtu: number;
  readonly address: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Record<string, unknown> };
}

const VETH: readonly NetlinkRequest[] = [
  createLink({
    name: "v0",
    index: 10,
    address: "02:00:00:00:00:10",
    up: true,
    kind: { kind: "veth", data: { peer: { name: "v1", index: 11 } } },
  }),
  changeLink(11, { up: true }),
];

test("makes links that ip(8) shows as they were asked for", options, async () => {
  await using space = await LiveNamespace.open();
  await space.exchange(NETLINK_ROUTE, [
    ...VETH,
    createLink({
      name: "br0",
      index: 20,
      mtu: 1400,
      address: "02:00:00:00:00:20",
      transmitQueueLength: 77,
      up: true,
      kind: { kind: "bridge", data: { stpState: 0, ageingTimeCentiseconds: 5000, multicastSnooping: false } },
    }),
    createLink({ name: "mv0", link: 11, kind: { kind: "macvlan", data: { mode: "MACVLAN_MODE_BRIDGE" } } }),
    createLink({ name: "vx0", kind: { kind: "vxlan", data: { id: 42, local: "10.0.0.1", port: 4789, link: 10 } } }),
    changeLink("v0", { master: 20, alias: "first", mtu: 1300 }),
    addAlternativeName("v0", "a-name-longer-than-fifteen-bytes"),
  ]);
  const links = JSON.parse(await space.run("ip", "-json", "-d", "link")) as IpLink[];
  const find = (name: string): IpLink | undefined => links.find(({ ifname }) => ifname === name);
  assert.deepEqual([find("v0")?.ifindex, find("v0")?.master, find("v0")?.mtu], [10, "br0", 1300]);
  assert.equal(find("v0")?.address, "02:00:00:00:00:10");
  assert.equal(find("v1")?.ifindex, 11);
  assert.ok(find("v1")?.flags.includes("UP"));
  assert.equal(find("br0")?.linkinfo?.info_data?.ageing_time, 5000);
  assert.equal(find("br0")?.linkinfo?.info_data?.mcast_snooping, 0);
  assert.equal(find("mv0")?.linkinfo?.info_data?.mode, "bridge");
  assert.deepEqual([find("vx0")?.linkinfo?.info_data?.id, find("vx0")?.linkinfo?.info_data?.port], [42, 4789]);

  const [own] = await space.values(NETLINK_ROUTE, getLink("a-name-longer-than-fifteen-bytes"));
  assert.deepEqual([own?.name, own?.alias, own?.master], ["v0", "first", 20]);
  const [veth] = await space.values(NETLINK_ROUTE, listLinks({ kind: "macvlan" }));
  assert.equal(veth?.name, "mv0");
  const all = await space.values(NETLINK_ROUTE, listLinks());
  assert.deepEqual(all.map(({ name }) => name).sort(), links.map(({ ifname }) => ifname).sort());

  // Before Linux 6.2 a link that is up keeps its name, and one request renames before it takes down.
  const renaming = [changeLink(20, { up: false }), changeLink(20, { name: "br1" })];
  await space.exchange(NETLINK_ROUTE, [deleteLink("v0"), ...renaming]);
  assert.deepEqual(
    (await space.values(NETLINK_ROUTE, listLinks())).map(({ name }) => name).sort(),
    ["br1", "lo"],
    "a veth takes its peer along, and that what stands on it",
  );
});

test("puts the peer of a veth into another namespace, by pid and by descriptor", options, async () => {
  await using space = await LiveNamespace.open();
  await using other = await LiveNamespace.open();
  const netnsPid = await other.pid();
  const netnsFd = await space.descriptor(`/proc/${netnsPid}/ns/net`);
  await space.exchange(NETLINK_ROUTE, [
    createLink({ name: "a0", kind: { kind: "veth", data: { peer: { name: "eth0", netnsPid } } } }),
    createLink({ name: "b0", kind: { kind: "veth", data: { peer: { name: "eth1", netnsFd } } } }),
    createLink({ name: "c0", kind: { kind: "veth", data: { peer: { name: "c1" } } } }),
    changeLink("c1", { netnsFd }),
  ]);
  const there = (await other.values(NETLINK_ROUTE, listLinks())).map(({ name }) => name);
  assert.deepEqual([...there].sort(), ["c1", "eth0", "eth1", "lo"]);
});

test("sets options of bridge ports", options, async () => {
  await using space = await LiveNamespace.open();
  await space.exchange(NETLINK_ROUTE, [
    ...VETH,
    createLink({ name: "br0", index: 20, kind: { kind: "bridge" } }),
    changeLink(10, { master: 20 }),
    changeBridgePort(10, { hairpin: true, isolated: true, learning: false }),
  ]);
  const [port] = JSON.parse(await space.run("bridge", "-json", "-d", "link", "show", "dev", "v0")) as object[];
  const { hairpin, isolated, learning } = port as { hairpin: boolean; isolated: boolean; learning: boolean };
  assert.deepEqual([hairpin, isolated, learning], [true, true, false]);

  await space.exchange(NETLINK_ROUTE, [changeLink(10, { port: { kind: "bridge", data: { hairpin: false } } })]);
  const ports = await space.values(NETLINK_ROUTE, listBridgePorts());
  const own = ports.find(({ index }) => index === 10);
  assert.deepEqual([own?.options?.hairpin, own?.options?.isolated, own?.options?.learning], [false, true, false]);

  try {
    await space.exchange(NETLINK_ROUTE, [addBridgeVlans({ index: 10, id: [5, 7] })]);
  } catch (error) {
    // Kernels may lack VLAN filtering in bridges.
    assert.ok(error instanceof OrlopError && error.code === "unsupported", String(error));
  }
});

test("gives interfaces addresses", options, async () => {
  await using space = await LiveNamespace.open();
  await space.exchange(NETLINK_ROUTE, [
    ...VETH,
    addAddress({ index: 10, address: "10.0.0.1/24", broadcast: "+", label: "v0:one" }),
    addAddress({ index: 10, address: "10.0.3.1", peer: "10.0.3.2/32" }),
    addAddress({ index: 10, address: "10.0.9.1/24" }),
    addAddress({ index: 10, address: "fd00::1/64", flags: ["IFA_F_NODAD"], metric: 77 }),
    addAddress({ index: 10, address: "fd00::2/64", validSeconds: 1000, preferredSeconds: 500 }),
    deleteAddress({ index: 10, address: "10.0.9.1/24" }),
  ]);
  const [shown] = JSON.parse(await space.run("ip", "-json", "addr", "show", "dev", "v0")) as [
    { addr_info: Record<string, unknown>[] },
  ];
  const find = (local: string) => shown.addr_info.find((entry) => entry.local === local);
  assert.deepEqual([find("10.0.0.1")?.broadcast, find("10.0.0.1")?.label], ["10.0.0.255", "v0:one"]);
  assert.equal(find("10.0.3.1")?.address, "10.0.3.2");
  assert.equal(find("10.0.9.1"), undefined);
  assert.deepEqual([find("fd00::1")?.nodad, find("fd00::1")?.metric], [true, 77]);
  const own = await space.values(NETLINK_ROUTE, listAddresses({ index: 10 }));
  const global = own.filter(({ scope }) => scope === "RT_SCOPE_UNIVERSE").map(({ address }) => address);
  assert.deepEqual([...global].sort(), ["10.0.0.1", "10.0.3.1", "fd00::1", "fd00::2"]);
  assert.ok(own.find(({ address }) => address === "fd00::1")?.flags.includes("IFA_F_NODAD"));
  await assert.rejects(
    space.exchange(NETLINK_ROUTE, [addAddress({ index: 10, address: "10.0.0.1/24" })]),
    (error) => error instanceof OrlopError && error.code === "exists",
  );
  await space.exchange(NETLINK_ROUTE, [addAddress({ index: 10, address: "10.0.0.1/24" }, { replace: true })]);
});

test("makes routes of every kind", options, async () => {
  await using space = await LiveNamespace.open();
  await space.exchange(NETLINK_ROUTE, [
    ...VETH,
    addAddress({ index: 10, address: "10.0.0.1/24" }),
    addAddress({ index: 11, address: "10.0.1.1/24" }),
    addAddress({ index: 10, address: "fd00::1/64", flags: ["IFA_F_NODAD"] }),
    addRoute({ destination: "0.0.0.0/0", gateway: "10.0.0.254" }),
    addRoute({ destination: "10.5.0.0/16", gateway: "10.0.0.254", metric: 100, metrics: { mtu: 1400 } }),
    addRoute({ destination: "10.6.0.0/16", outputInterface: 10, preferredSource: "10.0.0.1" }),
    addRoute({ destination: "10.7.0.0/16", gateway: "10.99.0.1", outputInterface: 10, flags: ["RTNH_F_ONLINK"] }),
    addRoute({ destination: "10.8.0.0/16", gateway: "10.0.0.254", table: 1000 }),
    addRoute({ destination: "10.9.0.0/16", type: "RTN_BLACKHOLE" }),
    addRoute({
      destination: "10.12.0.0/16",
      nextHops: [{ gateway: "10.0.0.254" }, { gateway: "10.0.1.254", weight: 5 }],
    }),
    addRoute({ destination: "::/0", gateway: "fd00::ff", metric: 5 }),
    addRoute({ destination: "10.15.0.0/16", gateway: "fd00::ff", outputInterface: 10 }),
    addRoute({ destination: "10.16.0.0/16", gateway: "10.0.0.254" }),
    deleteRoute({ destination: "10.16.0.0/16" }),
  ]);
  const shown = JSON.parse(await space.run("ip", "-json", "-d", "route", "show", "table", "all")) as Record<
    string,
    unknown
  >[];
  const find = (dst: string) => shown.find((entry) => entry.dst === dst);
  assert.equal(find("default")?.gateway, "10.0.0.254");
  assert.deepEqual([find("10.5.0.0/16")?.metric, find("10.5.0.0/16")?.metrics], [100, [{ mtu: 1400 }]]);
  assert.deepEqual([find("10.6.0.0/16")?.prefsrc, find("10.6.0.0/16")?.scope], ["10.0.0.1", "link"]);
  assert.deepEqual(find("10.7.0.0/16")?.flags, ["onlink"]);
  assert.equal(find("10.8.0.0/16")?.table, "1000");
  assert.equal(find("10.9.0.0/16")?.type, "blackhole");
  assert.deepEqual(
    (find("10.12.0.0/16")?.nexthops as { gateway: string; weight: number }[] | undefined)?.map(
      ({ gateway, weight }) => [gateway, weight],
    ),
    [
      ["10.0.0.254", 1],
      ["10.0.1.254", 5],
    ],
  );
  assert.equal(find("10.16.0.0/16"), undefined);

  const main = await space.values(NETLINK_ROUTE, listRoutes({ family: "AF_INET", table: 254 }));
  assert.ok(main.every(({ table }) => table === 254));
  assert.deepEqual(
    main.find(({ destination }) => destination === "10.12.0.0/16")?.nextHops?.map(({ weight }) => weight),
    [1, 5],
  );
  assert.equal(main.find(({ destination }) => destination === "10.15.0.0/16")?.gateway, "fd00::ff");
  const [way] = await space.values(NETLINK_ROUTE, lookUpRoute("10.5.1.1"));
  assert.deepEqual([way?.gateway, way?.outputInterface, way?.preferredSource], ["10.0.0.254", 10, "10.0.0.1"]);
  await assert.rejects(
    space.exchange(NETLINK_ROUTE, [lookUpRoute("10.9.1.1")]),
    (error) => error instanceof OrlopError && /^Cannot look up route to "10\.9\.1\.1": /.test(error.message),
  );
});

test("keeps neighbours, forwarding entries and rules", options, async () => {
  await using space = await LiveNamespace.open();
  await space.exchange(NETLINK_ROUTE, [
    ...VETH,
    createLink({ name: "vx0", index: 30, kind: { kind: "vxlan", data: { id: 42, port: 4789 } } }),
    addNeighbour({ index: 10, address: "10.0.0.5", hardwareAddress: "02:00:00:00:00:55" }),
    addNeighbour({ index: 10, address: "10.0.0.6", hardwareAddress: "02:00:00:00:00:56" }),
    deleteNeighbour({ index: 10, address: "10.0.0.6" }),
    addForwardingEntry({
      index: 30,
      hardwareAddress: "02:00:00:00:00:77",
      table: "NTF_SELF",
      destination: "10.0.0.9",
    }),
    addRule({ source: "10.0.0.0/8", table: 1000, priority: 50 }),
    addRule({ source: "fd00::/64", table: 7, priority: 60 }),
    addRule({ family: "AF_INET", mark: 1, invert: true, table: 51_820, priority: 70 }),
    deleteRule({ source: "fd00::/64", table: 7 }),
  ]);
  const neighbours = JSON.parse(await space.run("ip", "-json", "neigh")) as { dst: string; lladdr: string }[];
  assert.deepEqual(
    neighbours.map(({ dst, lladdr }) => [dst, lladdr]),
    [["10.0.0.5", "02:00:00:00:00:55"]],
  );
  const stations = await space.values(NETLINK_ROUTE, listNeighbours("AF_BRIDGE"));
  assert.equal(
    stations.find(({ hardwareAddress }) => hardwareAddress === "02:00:00:00:00:77")?.destination,
    "10.0.0.9",
  );
  const rules = JSON.parse(await space.run("ip", "-json", "rule")) as Record<string, unknown>[];
  const shown = rules.find(({ priority }) => priority === 50);
  assert.deepEqual([shown?.src, shown?.srclen, shown?.table], ["10.0.0.0", 8, "1000"]);
  const own = await space.values(NETLINK_ROUTE, listRules("AF_INET"));
  assert.deepEqual(
    own.map(({ priority }) => priority),
    [0, 50, 70, 32_766, 32_767],
  );
  assert.deepEqual(own.find(({ priority }) => priority === 70)?.flags, ["FIB_RULE_INVERT"]);
});

test("tells what the kernel refuses, and which of several requests it was", options, async () => {
  await using space = await LiveNamespace.open();
  await assert.rejects(
    space.exchange(NETLINK_ROUTE, [...VETH, createLink({ name: "x0", kind: { kind: "unknown", name: "orlop" } })]),
    (error) =>
      error instanceof OrlopError &&
      error.code === "unsupported" &&
      error.message.startsWith('Cannot create orlop link "x0": operation not supported (EOPNOTSUPP)'),
  );
  assert.equal((await space.values(NETLINK_ROUTE, getLink("v0"))).length, 1, "the other request was done");
  await assert.rejects(
    space.values(NETLINK_ROUTE, getLink("nowhere")),
    (error) => error instanceof OrlopError && error.code === "not-found" && error.errno === "ENODEV",
  );
});
