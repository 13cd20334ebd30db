/**
 * A machine of an ordinary user's own, in which a program beside them connects containers: run in namespaces of the
 * user's and the network, with all capabilities there. Its arguments: an empty directory, the driver, and what is to be
 * tried.
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
import { PastaDriver } from "../pasta/pasta-driver.ts";
import { PastaProcesses } from "../pasta/pasta-process.ts";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { SlirpDriver } from "../slirp/slirp-driver.ts";
import { SlirpProcesses } from "../slirp/slirp-process.ts";
import type { SideProcesses } from "./side-processes.ts";

const WORLD = { address: "192.0.2.2", host: "192.0.2.1" } as const;
const HTTP = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;

const [, , directory = "", driverName = "", wanted = ""] = process.argv;
const isPasta = driverName === "pasta";
const runtimeDirectory = join(directory, "run");
const stack = new AsyncDisposableStack();
const relay = stack.use(await NetworkRelay.start());

function openDriver(): NetworkDriver {
  const database = stack.use(new Database(join(directory, "metadata.db")));
  const options = { records: new SqliteRecords(database, driverName), directory: runtimeDirectory };
  return isPasta ? new PastaDriver(options) : new SlirpDriver(options);
}

function openProcesses(): SideProcesses & { start(key: string, args: readonly string[]): Promise<string | undefined> } {
  return isPasta ? new PastaProcesses(runtimeDirectory) : new SlirpProcesses(runtimeDirectory);
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
    assert.deepEqual(openProcesses().keys().length, 1);
    assert.deepEqual(await interfaces(second), ["lo"]);
    await assert.rejects(driver.create({ name: "more" }), { code: "unsupported" });
    await assert.rejects(driver.remove(driverName), { code: "conflict" });
  },

  async sharing(driver) {
    const other = openDriver();
    const { net, end } = await openContainer();
    const endpoint = await connect(driver, net, { endpoint: "one", ports: [HTTP] });
    assert.deepEqual(await connect(other, net, { endpoint: "one", ports: [HTTP] }), endpoint);
    await assert.rejects(connect(other, net, { endpoint: "one" }), { code: "conflict" });
    await other.disconnect(driverName, "one");
    await other.disconnect(driverName, "one");
    assert.deepEqual(await interfaces(net), ["lo"]);
    assert.deepEqual(await driver.endpoints(), []);
    assert.deepEqual(await connect(driver, net, { endpoint: "one", ports: [HTTP] }), endpoint);
    await end();
    await other.cleanup();
    assert.deepEqual(await driver.endpoints(), []);
    assert.deepEqual(openProcesses().keys(), []);
  },

  async crashes(driver) {
    const processes = openProcesses();
    const { net } = await openContainer();
    const endpoint = await connect(driver, net, { endpoint: "one" });
    const [key = ""] = processes.keys();
    await processes.end(key);
    assert.deepEqual(await connect(driver, net, { endpoint: "one" }), endpoint);
    const [again = ""] = processes.keys();
    const { net: stray } = await openContainer();
    const user = stray.replace(/net$/, "user");
    const args = isPasta
      ? ["--quiet", "--ipv4-only", "--userns", user, "--netns", stray]
      : [`--userns-path=${user}`, "--netns-type=path", stray, "tap0"];
    assert.equal(await processes.start("00", args), undefined);
    assert.equal(processes.isThere("00"), true);
    await driver.cleanup();
    assert.deepEqual(processes.keys(), [again]);
    assert.deepEqual(await driver.endpoints(), [endpoint]);
    await processes.end(again);
    await driver.cleanup();
    assert.deepEqual(await driver.endpoints(), []);
  },

  async ports(driver, world) {
    const { net } = await openContainer();
    await connect(driver, net, { endpoint: "one" });
    const publish = (...ports: ConnectRequest["ports"] & object): Promise<Endpoint> =>
      driver.publish(driverName, "one", ports);
    const port = { ...HTTP, hostAddress: WORLD.host };
    if (!(await driver.features()).publishWhileRunning) {
      return void (await assert.rejects(publish(port), { code: "unsupported" }));
    }
    const peer = stack.use(await Peer.start(net, "one"));
    await peer.listen("tcp", "0.0.0.0", 80);
    await peer.listen("udp", "0.0.0.0", 80);
    const { ports } = await publish(port, { ...port, hostPort: 0 }, { ...port, protocol: "udp" });
    assert.equal(ports.length, 3);
    for (const { protocol, hostPort } of ports) {
      if (protocol === "sctp") continue;
      assert.equal(await world.ask(protocol, WORLD.host, hostPort), `one ${WORLD.address}`);
    }
    assert.deepEqual((await publish(port)).ports, ports, "it is there already");
    const host = stack.use(await Peer.start("/proc/self/ns/net", "host"));
    await host.listen("tcp", WORLD.host, 7000);
    await assert.rejects(publish({ ...port, hostPort: 7000 }), { code: "conflict" });
    await assert.rejects(publish({ ...port, containerPort: 81 }), { code: "conflict" });
    const left = await driver.unpublish(driverName, "one", ports.slice(0, 2));
    assert.deepEqual(left.ports, ports.slice(2));
    assert.equal(await world.hearsNothing("tcp", WORLD.host, port.hostPort), true);
    assert.equal(await world.ask("udp", WORLD.host, port.hostPort), `one ${WORLD.address}`);
    assert.equal((await publish(port)).ports.length, 2);
    assert.equal(await world.ask("tcp", WORLD.host, port.hostPort), `one ${WORLD.address}`);
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
