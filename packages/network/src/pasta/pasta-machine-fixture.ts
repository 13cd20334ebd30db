/**
 * A machine of an ordinary user's own, in which pasta connects containers: run in namespaces of the user's and the network,
 * with all capabilities there. Its arguments: an empty directory, and what is to be tried.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ConnectRequest, Endpoint, NetworkDriver } from "@orlop/core";
import { Database } from "@orlop/image";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { addAddress, addRoute, changeLink, createLink, getLink, listLinks } from "@orlop/kernel/rtnetlink";
import { holdNamespaces, Peer } from "@orlop/testkit";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { PastaDriver } from "./pasta-driver.ts";
import { PastaProcesses } from "./pasta-process.ts";

const WORLD = { address: "192.0.2.2", host: "192.0.2.1" } as const;
const HTTP = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;

const [, , directory = "", wanted = ""] = process.argv;
const runtimeDirectory = join(directory, "pasta");
const stack = new AsyncDisposableStack();
const relay = stack.use(await NetworkRelay.start());

function openDriver(): NetworkDriver {
  const database = stack.use(new Database(join(directory, "metadata.db")));
  return new PastaDriver({ records: new SqliteRecords(database, "pasta"), directory: runtimeDirectory });
}

async function addressLink(namespace: NetworkRelay["home"], address: string): Promise<void> {
  const [link] = await namespace.values("route", getLink("uplink"));
  assert.ok(link !== undefined);
  await namespace.route(
    addAddress({ index: link.index, address: `${address}/24` }),
    changeLink(link.index, { up: true }),
  );
}

/** Joins the machine to the world, which has its default route. */
async function openWorld(): Promise<Peer> {
  const holder = stack.use(await holdNamespaces(["net"]));
  const world = await relay.openNamespace(holder.path("net"));
  const peer = { name: "uplink", netnsFd: world.fd };
  await relay.home.route(createLink({ name: "uplink", kind: { kind: "veth", data: { peer } } }));
  await addressLink(relay.home, WORLD.host);
  await addressLink(world, WORLD.address);
  await relay.home.route(addRoute({ destination: "0.0.0.0/0", gateway: WORLD.address }));
  return stack.use(await Peer.start(holder.path("net"), "world"));
}

/** Namespaces of a container, as an ordinary user has them. */
async function openContainer(): Promise<{ readonly net: string; readonly end: () => Promise<void> }> {
  const args = ["--user", "--map-root-user", "--net", "sh", "-c", "echo ready; exec sleep 600"];
  const child = spawn("unshare", args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  stack.defer(end);
  assert.ok(child.stdout !== null);
  await once(child.stdout, "data");
  return { net: `/proc/${child.pid}/ns/net`, end };
}

type Request = Partial<Omit<ConnectRequest, "namespace">> & { readonly endpoint: string };

async function connect(driver: NetworkDriver, net: string, request: Request): Promise<Endpoint> {
  return await driver.connect({ network: driver.defaultNetwork, namespace: { path: net }, ...request });
}

async function interfaces(net: string): Promise<readonly string[]> {
  await using inside = await relay.openNamespace(net);
  return (await inside.values("route", listLinks())).map(({ name = "" }) => name).toSorted();
}

const CASES: Readonly<Record<string, (driver: NetworkDriver, world: Peer) => Promise<void>>> = {
  async traffic(driver, world) {
    const host = stack.use(await Peer.start("/proc/self/ns/net", "host"));
    const { net } = await openContainer();
    const ports = [
      HTTP,
      { ...HTTP, hostAddress: WORLD.host, hostPort: 9000, count: 3 },
      { ...HTTP, protocol: "udp", hostAddress: WORLD.host },
      { protocol: "tcp", containerPort: 80 },
    ] as const;
    const endpoint = await connect(driver, net, { endpoint: "one", ports });
    assert.deepEqual(await interfaces(net), ["eth0", "lo"]);
    const peer = stack.use(await Peer.start(net, "one"));
    await world.listen("tcp", "0.0.0.0", 80);
    await world.listen("udp", "0.0.0.0", 53);
    assert.equal(await peer.ask("tcp", WORLD.address, 80), `world ${WORLD.host}`);
    assert.equal(await peer.ask("udp", WORLD.address, 53), `world ${WORLD.host}`);
    for (const port of [80, 82]) await peer.listen("tcp", "0.0.0.0", port);
    await peer.listen("udp", "0.0.0.0", 80);
    assert.equal(await world.ask("tcp", WORLD.host, 9002), `one ${WORLD.address}`);
    assert.equal(await world.ask("udp", WORLD.host, 8080), `one ${WORLD.address}`);
    assert.match(await host.ask("tcp", "127.0.0.1", 8080), /^one /);
    assert.match(await host.ask("tcp", "127.0.0.1", endpoint.ports[3]?.hostPort ?? 0), /^one /);
    assert.equal(await world.hearsNothing("tcp", WORLD.host, 8080), true);
    await host.listen("tcp", "127.0.0.1", 7000);
    for (const address of ["127.0.0.1", endpoint.gateways[0] ?? ""]) {
      assert.equal(await peer.hearsNothing("tcp", address, 7000), true, address);
    }
  },

  async refusals(driver) {
    const { net } = await openContainer();
    const host = stack.use(await Peer.start("/proc/self/ns/net", "host"));
    await host.listen("tcp", "127.0.0.1", 7000);
    const first = await connect(driver, net, { endpoint: "one", ports: [HTTP] });
    const second = (await openContainer()).net;
    const two = { endpoint: "two" } as const;
    const refused = (request: Partial<ConnectRequest>, code: string): Promise<void> =>
      assert.rejects(connect(driver, second, { ...two, ...request }), { code });
    await refused({ ports: [HTTP] }, "conflict");
    await refused({ ports: [{ ...HTTP, hostPort: 7000 }] }, "conflict");
    await refused({ ports: [{ ...HTTP, hostPort: 8081, hostAddress: "203.0.113.1" }] }, "invalid");
    await refused({ ports: [{ ...HTTP, protocol: "sctp" }] }, "unsupported");
    await refused({ egress: { allow: [] } }, "unsupported");
    await refused({ addresses: ["10.0.2.7"] }, "unsupported");
    await refused({ interfaceName: "lo" }, "failed");
    assert.deepEqual(await driver.endpoints(), [first]);
    assert.deepEqual(new PastaProcesses(runtimeDirectory).keys().length, 1);
    assert.deepEqual(await interfaces(second), ["lo"]);
    await assert.rejects(driver.create({ name: "more" }), { code: "unsupported" });
    await assert.rejects(driver.remove("pasta"), { code: "conflict" });
  },

  async sharing(driver) {
    const other = openDriver();
    const { net, end } = await openContainer();
    const endpoint = await connect(driver, net, { endpoint: "one", ports: [HTTP] });
    assert.deepEqual(await connect(other, net, { endpoint: "one", ports: [HTTP] }), endpoint);
    await assert.rejects(connect(other, net, { endpoint: "one" }), { code: "conflict" });
    await other.disconnect("pasta", "one");
    await other.disconnect("pasta", "one");
    assert.deepEqual(await interfaces(net), ["lo"]);
    assert.deepEqual(await driver.endpoints(), []);
    assert.deepEqual(await connect(driver, net, { endpoint: "one", ports: [HTTP] }), endpoint);
    await end();
    await other.cleanup();
    assert.deepEqual(await driver.endpoints(), []);
    assert.deepEqual(new PastaProcesses(runtimeDirectory).keys(), []);
  },

  async crashes(driver) {
    const processes = new PastaProcesses(runtimeDirectory);
    const { net } = await openContainer();
    const endpoint = await connect(driver, net, { endpoint: "one" });
    const [key = ""] = processes.keys();
    await processes.end(key);
    assert.deepEqual(await connect(driver, net, { endpoint: "one" }), endpoint);
    const [again = ""] = processes.keys();
    const { net: stray } = await openContainer();
    const names = ["--userns", stray.replace(/net$/, "user"), "--netns", stray];
    assert.equal(await processes.start("00", ["--quiet", "--ipv4-only", ...names]), undefined);
    assert.equal(processes.isThere("00"), true);
    await driver.cleanup();
    assert.deepEqual(processes.keys(), [again]);
    assert.deepEqual(await driver.endpoints(), [endpoint]);
    await processes.end(again);
    await driver.cleanup();
    assert.deepEqual(await driver.endpoints(), []);
  },
};

mkdirSync(runtimeDirectory);
const driver = openDriver();
stack.defer(async () => {
  for (const { id } of await driver.endpoints()) await driver.disconnect(driver.defaultNetwork, id);
});
try {
  await relay.home.route(changeLink("lo", { up: true }));
  await CASES[wanted]?.(driver, await openWorld());
} finally {
  await stack.disposeAsync();
}
