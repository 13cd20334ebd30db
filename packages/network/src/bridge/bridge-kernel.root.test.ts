import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, type TestContext, test } from "node:test";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { deleteRules, deleteTable, nftablesBatch } from "@orlop/kernel/nftables";
import { addAddress, addRoute, changeLink, createLink, deleteAddress, getLink } from "@orlop/kernel/rtnetlink";
import { NETWORK_BENCH_WORLD, NetworkBench, Peer } from "@orlop/testkit";
import { bridgeObstacle, makeBridgeDriver } from "./bridge-subject-fixture.ts";
import { TABLE } from "./rule-table.ts";

/** What a new namespace has of it is what the machine has. */
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const HTTP = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;

/** Opens a bench, or skips where there can be none or a program is missing. */
async function openBench(t: TestContext, ...programs: readonly string[]): Promise<NetworkBench | undefined> {
  const missing = programs.find((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  const obstacle = bridgeObstacle() ?? (missing === undefined ? undefined : `needs ${missing}`);
  if (obstacle === undefined) return await NetworkBench.open(makeBridgeDriver);
  t.skip(obstacle);
  return undefined;
}

/** Has a namespace send what is for loopback to the gateway, as a hostile neighbour would. */
async function aimAtLoopback(relay: NetworkRelay, path: string, gateway: string): Promise<void> {
  await using inside = await relay.openNamespace(path);
  await inside.writeFile("/proc/sys/net/ipv4/conf/all/route_localnet", "1");
  await inside.route(deleteAddress({ index: 1, address: "127.0.0.1/8" }));
  const [link] = await inside.values("route", getLink("eth0"));
  assert.ok(link !== undefined);
  await inside.route(addRoute({ destination: "127.0.0.0/8", gateway, outputInterface: link.index }));
}

suite("the kernel's side of bridges", () => {
  test("keeps endpoints from what listens on the host's loopback, which only its rules do (CVE-2020-8558)", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    const host = await bench.hostPeer();
    await host.listen("tcp", "127.0.0.1", 7000);
    const { path, peer, endpoint } = await bench.container({ ports: [HTTP] });
    await aimAtLoopback(relay, path, endpoint.gateways[0] ?? "");
    assert.equal(await peer.hearsNothing("tcp", "127.0.0.1", 7000), true);
    assert.equal(await peer.hearsNothing("tcp", "127.0.0.1", 8080), true);
    await relay.home.netfilter(...nftablesBatch([deleteRules({ ...TABLE, chain: "guard" })]));
    assert.match(await peer.ask("tcp", "127.0.0.1", 7000), /^host /);
  });

  test("routes loopback addresses on a bridge only while a port is published on them", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    const { driver } = bench;
    const setting = () => relay.home.readFile("/proc/sys/net/ipv4/conf/orlop0/route_localnet");
    const { endpoint } = await bench.container();
    assert.equal(await setting(), "0\n");
    const { ports } = await driver.publish(driver.defaultNetwork, endpoint.id, [HTTP, { ...HTTP, protocol: "udp" }]);
    assert.equal(await setting(), "1\n");
    await driver.unpublish(driver.defaultNetwork, endpoint.id, ports.slice(1));
    assert.equal(await setting(), "1\n");
    await driver.disconnect(driver.defaultNetwork, endpoint.id);
    assert.equal(await setting(), "0\n");
  });

  test("comes back when somebody has taken all rules of the machine away", async (t) => {
    await using bench = await openBench(t, "nft");
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    const host = await bench.hostPeer();
    const { peer, endpoint } = await bench.container({ ports: [HTTP], egress: { allow: [{ to: "192.0.2.0/24" }] } });
    await peer.listen("tcp", "0.0.0.0", 80);
    const rules = () => run(bench.hostPath, "nft", "list", "table", "inet", "orlop");
    const before = rules();
    for (const repair of [() => bench.driver.cleanup(), () => bench.container()]) {
      await relay.home.netfilter(...nftablesBatch([deleteTable(TABLE)]));
      assert.equal(await host.hearsNothing("tcp", "127.0.0.1", 8080), true);
      await repair();
      await bench.driver.cleanup();
      assert.match(await host.ask("tcp", "127.0.0.1", 8080), new RegExp(`^${endpoint.id} `));
    }
    await bench.driver.disconnect(bench.driver.defaultNetwork, "container-2");
    assert.deepEqual(rules().split("\n").toSorted(), before.split("\n").toSorted());
  });

  test("is, to ip(8) and nft(8), what the driver tells", async (t) => {
    await using bench = await openBench(t, "ip", "nft");
    if (bench === undefined) return;
    await bench.world();
    const { driver } = bench;
    const { endpoint, path } = await bench.container({
      ports: [{ ...HTTP, hostAddress: NETWORK_BENCH_WORLD.host4, count: 2 }],
      egress: { allow: [{ to: "198.51.100.0/24", protocol: "tcp", ports: [443, 443] }] },
    });
    const [address = ""] = endpoint.addresses;
    const inside = run(path, "ip", "-j", "address", "show", "dev", "eth0");
    const [link] = JSON.parse(inside) as [{ address: string; addr_info: { local: string; prefixlen: number }[] }];
    assert.equal(link.address, endpoint.hardwareAddress);
    const told = link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    assert.deepEqual(told.filter((each) => !each.startsWith("fe80:")).toSorted(), endpoint.addresses.toSorted());
    const route = run(path, "ip", "route", "show", "default");
    assert.match(route, new RegExp(`^default via ${endpoint.gateways[0]} dev eth0`));
    const published = run(bench.hostPath, "nft", "list", "map", "inet", "orlop", "published4");
    for (const index of [0, 1]) {
      const own = address.split("/")[0];
      assert.match(
        published,
        new RegExp(`${NETWORK_BENCH_WORLD.host4} \\. tcp \\. ${8080 + index} .* : ${own} \\. ${80 + index}\\b`),
      );
    }
    const services = run(bench.hostPath, "nft", "list", "set", "inet", "orlop", "services4");
    assert.match(services, /198\.51\.100\.0\/24 \. tcp \. 443/);
    await driver.disconnect(driver.defaultNetwork, endpoint.id);
    assert.doesNotMatch(run(bench.hostPath, "nft", "list", "table", "inet", "orlop"), /8080|198\.51/);
    assert.equal(run(bench.hostPath, "ip", "-o", "link", "show", "type", "veth").split("\n").filter(Boolean).length, 1);
  });

  test("keeps an egress policy whatever address a namespace gives itself", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    const world = await bench.world();
    await world.listen("udp", "0.0.0.0", 53);
    const { path, peer, endpoint } = await bench.container({ egress: { allow: [{ to: "198.51.100.0/24" }] } });
    await using inside = await relay.openNamespace(path);
    const [link] = await inside.values("route", getLink("eth0"));
    const { index } = link ?? { index: 0 };
    const [own = ""] = endpoint.addresses;
    assert.equal(await peer.hearsNothing("udp", NETWORK_BENCH_WORLD.address4, 53), true);
    await inside.route(deleteAddress({ index, address: own }));
    await inside.route(addAddress({ index, address: own.replace(/\d+\/16$/, "200/16") }));
    await inside.route(addRoute({ destination: "0.0.0.0/0", gateway: endpoint.gateways[0] ?? "" }));
    assert.equal(await peer.hearsNothing("udp", NETWORK_BENCH_WORLD.address4, 53), true);
    await bench.driver.setEgress(bench.driver.defaultNetwork, endpoint.id, "all");
    assert.match(await peer.ask("udp", NETWORK_BENCH_WORLD.address4, 53), /^world /);
  });

  test("has the host forward nothing between interfaces of others, where it was switched on for containers", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    await using left = await openSide(bench, relay, "left", "198.51.100");
    await using right = await openSide(bench, relay, "right", "203.0.113");
    await right.listen("tcp", "0.0.0.0", 80);
    await relay.home.writeFile(FORWARDING, "0");
    const { peer } = await bench.container();
    assert.equal(await relay.home.readFile(FORWARDING), "1\n");
    assert.match(await peer.ask("tcp", "203.0.113.2", 80), /^right /);
    assert.equal(await left.hearsNothing("tcp", "203.0.113.2", 80), true);
    // Also when somebody has taken all rules away, and the setting no longer tells who has switched it on.
    await relay.home.netfilter(...nftablesBatch([deleteTable(TABLE)]));
    assert.match(await left.ask("tcp", "203.0.113.2", 80), /^right /);
    await bench.driver.cleanup();
    assert.equal(await left.hearsNothing("tcp", "203.0.113.2", 80), true);
  });

  test("leaves a host that forwards already as it is", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    using relay = await NetworkRelay.start(bench.hostPath);
    await using left = await openSide(bench, relay, "left", "198.51.100");
    await using right = await openSide(bench, relay, "right", "203.0.113");
    await right.listen("tcp", "0.0.0.0", 80);
    await relay.home.writeFile(FORWARDING, "1");
    await bench.container();
    await bench.driver.cleanup();
    assert.match(await left.ask("tcp", "203.0.113.2", 80), /^right /);
  });

  test("leaves the rules and interfaces of others alone", async (t) => {
    await using bench = await openBench(t, "nft", "ip");
    if (bench === undefined) return;
    const text = "table inet firewall { chain forward { type filter hook forward priority 10; policy drop; }; }";
    run(bench.hostPath, "sh", "-c", `echo '${text}' | nft -f -`);
    run(bench.hostPath, "ip", "link", "add", "br-other", "type", "bridge");
    const world = await bench.world();
    const { peer, endpoint } = await bench.container({ ports: [{ ...HTTP, hostAddress: "0.0.0.0" }] });
    await peer.listen("tcp", "0.0.0.0", 80);
    // The firewall of the host says no to what is forwarded, and nothing of ours says yes over it.
    assert.equal(await world.hearsNothing("tcp", NETWORK_BENCH_WORLD.host4, 8080), true);
    await bench.driver.cleanup();
    await bench.driver.disconnect(bench.driver.defaultNetwork, endpoint.id);
    await bench.driver.cleanup();
    assert.match(run(bench.hostPath, "nft", "list", "ruleset"), /table inet firewall/);
    assert.ok((await bench.interfaces()).includes("br-other"));
  });
});

/** A neighbour of the host, whose way to everybody else is the host. */
async function openSide(bench: NetworkBench, relay: NetworkRelay, name: string, net: string): Promise<Peer> {
  const { net: path } = await bench.namespace();
  await using inside = await relay.openNamespace(path);
  const data = { peer: { name: "uplink", netnsFd: inside.fd } };
  await relay.home.route(createLink({ name, kind: { kind: "veth", data } }));
  const ends = [
    { namespace: relay.home, link: name, address: `${net}.1/24` },
    { namespace: inside, link: "uplink", address: `${net}.2/24` },
  ];
  for (const { namespace, link, address } of ends) {
    const [found] = await namespace.values("route", getLink(link));
    const { index } = found ?? { index: 0 };
    await namespace.route(changeLink(index, { up: true }), addAddress({ index, address }));
  }
  await inside.route(addRoute({ destination: "0.0.0.0/0", gateway: `${net}.1` }));
  return await Peer.start(path, name);
}

/** The output of a program in a namespace. */
function run(namespace: string, ...command: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("nsenter", [`--net=${namespace}`, ...command], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}
