import assert from "node:assert/strict";
import { WORLD } from "./network-bench.ts";
import type { NetworkCase } from "./network-case.ts";

const SUBNET = { prefix: "10.77.0.0/24", gateway: "10.77.0.1" } as const;

export const lifeCycleCases: readonly NetworkCase[] = [
  {
    title: "has a default network, which is always listed and cannot be removed",
    async check({ driver }) {
      const info = await driver.inspect(driver.defaultNetwork);
      assert.equal(info.driver, driver.name);
      assert.match(info.id, /^[0-9a-f]{64}$/);
      assert.deepEqual(await driver.list(), [info]);
      await assert.rejects(driver.remove(driver.defaultNetwork), { code: "conflict" });
    },
  },
  {
    title: "creates networks that are found by name and by id, and removes them",
    needs: ["create"],
    async check({ driver }) {
      const made = await driver.create({ name: "made", subnets: [SUBNET], labels: { by: "a" } });
      assert.deepEqual(made.subnets, [SUBNET]);
      assert.deepEqual(made.labels, { by: "a" });
      assert.equal(made.internal, false);
      assert.deepEqual(await driver.inspect("made"), made);
      assert.deepEqual(await driver.inspect(made.id), made);
      await assert.rejects(driver.create({ name: "made" }), { code: "exists" });
      assert.deepEqual(
        (await driver.list()).map(({ name }) => name),
        [driver.defaultNetwork, "made"].toSorted(),
      );
      await driver.remove(made.id);
      await driver.remove(made.id);
      await assert.rejects(driver.inspect("made"), { code: "not-found" });
      assert.equal((await driver.create({ name: "made" })).name, "made");
    },
  },
  {
    title: "refuses networks that cannot be",
    needs: ["create"],
    async check({ driver }) {
      const subnets = (...prefixes: readonly string[]) => ({ subnets: prefixes.map((prefix) => ({ prefix })) });
      await driver.create({ name: "one", ...subnets("10.77.0.0/24") });
      await assert.rejects(driver.create({ name: "same", ...subnets("10.77.0.128/25") }), { code: "conflict" });
      await assert.rejects(driver.create({ name: "two", ...subnets("10.78.0.0/24", "10.79.0.0/24") }), {
        code: "invalid",
      });
      await assert.rejects(driver.create({ name: "bits", ...subnets("10.78.0.1/24") }), { code: "invalid" });
      await assert.rejects(driver.create({ name: "tiny", ...subnets("10.78.0.0/31") }), { code: "invalid" });
      await assert.rejects(driver.create({ name: "no name" }), { code: "invalid" });
      await assert.rejects(driver.create({ name: "odd", options: { colour: "red" } }), {
        code: "unsupported",
        message: /colour/,
      });
      const outside = { prefix: "10.78.0.0/24", gateway: "10.79.0.1" };
      await assert.rejects(driver.create({ name: "outside", subnets: [outside] }), { code: "invalid" });
      assert.deepEqual(
        (await driver.list()).map(({ name }) => name),
        [driver.defaultNetwork, "one"].toSorted(),
      );
    },
  },
  {
    title: "connects a namespace, tells what it got, and takes it back",
    async check(bench) {
      const { driver } = bench;
      const { endpoint, path } = await bench.container({ endpoint: "one", names: ["web", "www"], labels: { by: "a" } });
      assert.equal(endpoint.interfaceName, "eth0");
      assert.deepEqual(endpoint.names, ["web", "www"]);
      assert.match(endpoint.hardwareAddress, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      assert.deepEqual(await driver.endpoint(driver.defaultNetwork, "one"), endpoint);
      assert.deepEqual(await driver.endpoints(), [endpoint]);
      assert.deepEqual(await driver.endpoints(driver.defaultNetwork), [endpoint]);
      assert.deepEqual(await bench.interfaces(path), ["eth0", "lo"]);
      await driver.disconnect(driver.defaultNetwork, "one");
      await driver.disconnect(driver.defaultNetwork, "one");
      assert.deepEqual(await bench.interfaces(path), ["lo"]);
      assert.deepEqual(await driver.endpoints(), []);
      await assert.rejects(driver.endpoint(driver.defaultNetwork, "one"), { code: "not-found" });
    },
  },
  {
    title: "gives the endpoint that is there to who connects it once more, and refuses other wishes",
    async check(bench) {
      const { driver } = bench;
      const { endpoint, path } = await bench.container({ endpoint: "one", names: ["web"] });
      const again = { network: driver.defaultNetwork, endpoint: "one", namespace: { path }, names: ["web"] };
      assert.deepEqual(await driver.connect(again), endpoint);
      await assert.rejects(driver.connect({ ...again, names: ["other"] }), { code: "conflict" });
      const { net } = await bench.namespace();
      await assert.rejects(driver.connect({ ...again, namespace: { path: net } }), { code: "conflict" });
      assert.deepEqual(await driver.endpoints(), [endpoint]);
    },
  },
  {
    title: "keeps a network as long as it has endpoints",
    needs: ["create"],
    async check(bench) {
      const { driver } = bench;
      await driver.create({ name: "kept" });
      const { endpoint } = await bench.container({ network: "kept" });
      await assert.rejects(driver.remove("kept"), { code: "conflict" });
      await driver.disconnect("kept", endpoint.id);
      await driver.remove("kept");
    },
  },
  {
    title: "gives the addresses that are asked for, and each to one endpoint",
    needs: ["create", "staticAddresses"],
    async check(bench) {
      const { driver } = bench;
      await driver.create({ name: "fixed", subnets: [SUBNET] });
      const wish = { network: "fixed", addresses: ["10.77.0.99"], hardwareAddress: "02:00:00:00:00:99" };
      const { endpoint } = await bench.container(wish);
      assert.deepEqual(endpoint.addresses, ["10.77.0.99/24"]);
      assert.equal(endpoint.hardwareAddress, "02:00:00:00:00:99");
      await assert.rejects(bench.container({ network: "fixed", addresses: ["10.77.0.99"] }), { code: "exists" });
      await assert.rejects(bench.container({ network: "fixed", addresses: ["10.77.0.1"] }), { code: "exists" });
      await assert.rejects(bench.container({ network: "fixed", addresses: ["10.77.0.255"] }), { code: "invalid" });
      await assert.rejects(bench.container({ network: "fixed", addresses: ["10.78.0.9"] }), { code: "invalid" });
      await driver.disconnect("fixed", endpoint.id);
      assert.deepEqual((await bench.container(wish)).endpoint.addresses, ["10.77.0.99/24"]);
    },
  },
  {
    title: "allocates from the range alone, until it is used up",
    needs: ["create"],
    async check(bench) {
      await bench.driver.create({ name: "small", subnets: [{ prefix: "10.77.0.0/24", range: "10.77.0.8/30" }] });
      const addresses: string[] = [];
      for (let count = 0; count < 4; count++) addresses.push((await bench.container({ network: "small" })).address);
      assert.deepEqual(addresses, ["10.77.0.8", "10.77.0.9", "10.77.0.10", "10.77.0.11"]);
      await assert.rejects(bench.container({ network: "small" }), { code: "exhausted" });
    },
  },
  {
    title: "connects one namespace to several networks, with one default route",
    needs: ["create", "connectWhileRunning"],
    async check(bench) {
      const { driver } = bench;
      await driver.create({ name: "second" });
      const { path, endpoint } = await bench.container();
      assert.equal(
        endpoint.routes.some(({ destination }) => destination === "0.0.0.0/0"),
        true,
      );
      const second = await driver.connect({ network: "second", endpoint: "second", namespace: { path } });
      assert.equal(second.interfaceName, "eth1");
      assert.deepEqual(second.routes, []);
      assert.deepEqual(await bench.interfaces(path), ["eth0", "eth1", "lo"]);
      await driver.disconnect("second", "second");
      assert.deepEqual(await bench.interfaces(path), ["eth0", "lo"]);
    },
  },
  {
    title: "leads out by another network when the one that has done it is disconnected",
    needs: ["create", "connectWhileRunning"],
    async check(bench) {
      const { driver } = bench;
      const world = await bench.world();
      await world.listen("tcp", "0.0.0.0", 80);
      for (const name of ["second", "third"]) await driver.create({ name });
      const { path, peer, endpoint } = await bench.container();
      const request = { namespace: { path } };
      await driver.connect({ ...request, network: "third", endpoint: "third", noDefaultRoute: true });
      await driver.connect({ ...request, network: "second", endpoint: "second" });
      await driver.disconnect(driver.defaultNetwork, endpoint.id);
      const { routes, gateways } = await driver.endpoint("second", "second");
      assert.deepEqual(
        routes.map(({ gateway }) => gateway),
        gateways,
      );
      assert.deepEqual((await driver.endpoint("third", "third")).routes, []);
      assert.equal(await peer.ask("tcp", WORLD.address4, 80), `world ${WORLD.host4}`);
      await driver.disconnect("second", "second");
      assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 80), true);
    },
  },
  {
    title: "takes an interface name that is free in the namespace, and no other",
    async check(bench) {
      const { driver } = bench;
      const { path } = await bench.container({ interfaceName: "net-a" });
      assert.deepEqual(await bench.interfaces(path), ["lo", "net-a"]);
      await driver.disconnect(driver.defaultNetwork, "container-1");
      const connect = { network: driver.defaultNetwork, endpoint: "bad", namespace: { path } };
      await assert.rejects(driver.connect({ ...connect, interfaceName: "lo" }), { code: "exists" });
      await assert.rejects(driver.connect({ ...connect, interfaceName: "a/b" }), { code: "invalid" });
      await assert.rejects(driver.connect({ ...connect, namespace: { path: "/proc/self/ns/none" } }), {
        code: "not-found",
      });
      assert.deepEqual(await driver.endpoints(), []);
    },
  },
  {
    title: "tells the names of a network's endpoints with their addresses",
    async check(bench) {
      const { driver } = bench;
      const one = await bench.container({ names: ["one", "first"] });
      await bench.container();
      const entries = await driver.hostsEntries(driver.defaultNetwork);
      const addresses = one.endpoint.addresses.map((address) => address.split("/", 1)[0]);
      assert.deepEqual(
        entries,
        addresses.map((address) => ({ address, names: ["one", "first"] })),
      );
    },
  },
];
