import assert from "node:assert/strict";
import { WORLD } from "./network-bench.ts";
import type { NetworkCase } from "./network-case.ts";

const HTTP = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;

export const publishCases: readonly NetworkCase[] = [
  {
    title: "publishes on the host's loopback where nothing is said, and only there",
    needs: ["publish"],
    async check(bench) {
      const [world, host] = [await bench.world(), await bench.hostPeer()];
      const { peer, endpoint } = await bench.container({ ports: [HTTP] });
      await peer.listen("tcp", "0.0.0.0", 80);
      assert.deepEqual(endpoint.ports, [{ ...HTTP, hostAddress: "127.0.0.1", count: 1 }]);
      assert.match(await host.ask("tcp", "127.0.0.1", 8080), new RegExp(`^${endpoint.id} `));
      assert.equal(await host.hearsNothing("tcp", WORLD.host4, 8080), true);
      assert.equal(await world.hearsNothing("tcp", WORLD.host4, 8080), true);
    },
  },
  {
    title: "publishes on all addresses of the host for the world, which is seen as it is",
    needs: ["publish"],
    async check(bench) {
      const [world, host] = [await bench.world(), await bench.hostPeer()];
      const { peer, endpoint } = await bench.container({ ports: [{ ...HTTP, hostAddress: "0.0.0.0" }] });
      await peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await world.ask("tcp", WORLD.host4, 8080), `${endpoint.id} ${WORLD.address4}`);
      assert.match(await host.ask("tcp", "127.0.0.1", 8080), new RegExp(`^${endpoint.id} `));
      assert.match(await host.ask("tcp", WORLD.host4, 8080), new RegExp(`^${endpoint.id} `));
    },
  },
  {
    title: "publishes on one address of the host, ranges, and UDP",
    needs: ["publish"],
    async check(bench) {
      const world = await bench.world();
      const hostAddress = WORLD.host4;
      const { peer, endpoint } = await bench.container({
        ports: [
          { protocol: "tcp", hostAddress, hostPort: 9000, containerPort: 80, count: 3 },
          { protocol: "udp", hostAddress, hostPort: 9000, containerPort: 53 },
        ],
      });
      await peer.listen("tcp", "0.0.0.0", 82);
      await peer.listen("udp", "0.0.0.0", 53);
      assert.equal(await world.ask("tcp", WORLD.host4, 9002), `${endpoint.id} ${WORLD.address4}`);
      assert.equal(await world.ask("udp", WORLD.host4, 9000), `${endpoint.id} ${WORLD.address4}`);
    },
  },
  {
    title: "publishes by IPv6",
    needs: ["create", "ipv6", "publish"],
    async check(bench) {
      const world = await bench.world();
      await bench.driver.create({ name: "six", ipv6: true });
      const { peer, endpoint } = await bench.container({ network: "six", ports: [{ ...HTTP, hostAddress: "::" }] });
      await peer.listen("tcp", "::", 80);
      assert.equal(await world.ask("tcp", WORLD.host6, 8080), `${endpoint.id} ${WORLD.address6}`);
      const loopback = { ...HTTP, hostPort: 8081, hostAddress: "::1" };
      await assert.rejects(bench.driver.publish("six", endpoint.id, [loopback]), { code: "unsupported" });
    },
  },
  {
    title: "reaches an endpoint by its published port from itself, its neighbour and another network",
    needs: ["create", "publish"],
    async check(bench) {
      await bench.world();
      await bench.driver.create({ name: "other" });
      const server = await bench.container({ ports: [{ ...HTTP, hostAddress: WORLD.host4 }] });
      const neighbour = await bench.container();
      const stranger = await bench.container({ network: "other" });
      await server.peer.listen("tcp", "0.0.0.0", 80);
      for (const { peer } of [server, neighbour, stranger]) {
        assert.match(await peer.ask("tcp", WORLD.host4, 8080), new RegExp(`^${server.endpoint.id} `));
      }
    },
  },
  {
    title: "chooses a free port where none is said",
    needs: ["publish"],
    async check(bench) {
      const host = await bench.hostPeer();
      const { peer, endpoint } = await bench.container({ ports: [{ protocol: "tcp", containerPort: 80 }] });
      await peer.listen("tcp", "0.0.0.0", 80);
      const [port] = endpoint.ports;
      assert.ok(port !== undefined && port.hostPort >= 1024);
      assert.match(await host.ask("tcp", "127.0.0.1", port.hostPort), new RegExp(`^${endpoint.id} `));
    },
  },
  {
    title: "refuses a port that an endpoint or a program of the host has, and leaves nothing",
    needs: ["publish"],
    async check(bench) {
      const { driver } = bench;
      const host = await bench.hostPeer();
      await host.listen("tcp", "127.0.0.1", 7000);
      const { endpoint } = await bench.container({ ports: [HTTP] });
      const { net } = await bench.namespace();
      const before = await bench.interfaces();
      const request = { network: driver.defaultNetwork, endpoint: "late", namespace: { path: net } };
      for (const port of [HTTP, { ...HTTP, hostAddress: "0.0.0.0" }, { ...HTTP, hostPort: 8079, count: 2 }]) {
        await assert.rejects(driver.connect({ ...request, ports: [port] }), {
          code: "conflict",
          message: new RegExp(endpoint.id),
        });
      }
      for (const hostAddress of ["127.0.0.1", "0.0.0.0"]) {
        const ports = [{ ...HTTP, hostPort: 7000, hostAddress }];
        await assert.rejects(driver.connect({ ...request, ports }), { code: "conflict", message: /listens on 7000/ });
      }
      const nowhere = [{ ...HTTP, hostPort: 8081, hostAddress: "203.0.113.1" }];
      await assert.rejects(driver.connect({ ...request, ports: nowhere }), { code: "invalid" });
      const twice = [HTTP, { ...HTTP, containerPort: 81 }];
      await assert.rejects(driver.connect({ ...request, ports: twice }), { code: "conflict" });
      assert.deepEqual(await bench.interfaces(), before);
      assert.deepEqual(await bench.interfaces(net), ["lo"]);
      assert.deepEqual(await driver.endpoints(), [endpoint]);
      // The same port of another protocol, or of another address, is another one.
      await driver.connect({
        ...request,
        ports: [
          { ...HTTP, protocol: "udp" },
          { ...HTTP, hostAddress: "127.0.0.2" },
        ],
      });
    },
  },
  {
    title: "publishes and takes back while the endpoint is there, and ends what came by the port",
    needs: ["publish", "publishWhileRunning"],
    async check(bench) {
      const { driver } = bench;
      const host = await bench.hostPeer();
      const { peer, endpoint } = await bench.container();
      const { defaultNetwork } = driver;
      await peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await host.hearsNothing("tcp", "127.0.0.1", 8080), true);
      const published = await driver.publish(defaultNetwork, endpoint.id, [HTTP]);
      assert.deepEqual(await driver.publish(defaultNetwork, endpoint.id, [HTTP]), published);
      await host.open("127.0.0.1", 8080);
      assert.match(await host.say(8080), new RegExp(`^${endpoint.id} `));
      await driver.unpublish(defaultNetwork, endpoint.id, published.ports);
      assert.equal(await host.isCutOff(8080), true);
      assert.equal(await host.hearsNothing("tcp", "127.0.0.1", 8080), true);
      assert.deepEqual((await driver.unpublish(defaultNetwork, endpoint.id, published.ports)).ports, []);
      const other = await bench.container({ ports: [HTTP] });
      await other.peer.listen("tcp", "0.0.0.0", 80);
      assert.match(await host.ask("tcp", "127.0.0.1", 8080), new RegExp(`^${other.endpoint.id} `));
    },
  },
];
