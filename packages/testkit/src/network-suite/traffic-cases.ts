import assert from "node:assert/strict";
import { WORLD } from "./network-bench.ts";
import type { NetworkCase } from "./network-case.ts";

export const trafficCases: readonly NetworkCase[] = [
  {
    title: "lets endpoints of one network talk to each other",
    async check(bench) {
      const [one, two] = [await bench.container(), await bench.container()];
      await two.peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await one.peer.ask("tcp", two.address, 80), `${two.endpoint.id} ${one.address}`);
    },
  },
  {
    title: "leads out to the world, behind the address of the host",
    async check(bench) {
      const world = await bench.world();
      const { peer } = await bench.container();
      await world.listen("tcp", "0.0.0.0", 80);
      await world.listen("udp", "0.0.0.0", 53);
      assert.equal(await peer.ask("tcp", WORLD.address4, 80), `world ${WORLD.host4}`);
      assert.equal(await peer.ask("udp", WORLD.address4, 53), `world ${WORLD.host4}`);
    },
  },
  {
    title: "does the same by IPv6",
    needs: ["create", "ipv6"],
    async check(bench) {
      const world = await bench.world();
      await bench.driver.create({ name: "six", ipv6: true });
      const one = await bench.container({ network: "six" });
      const two = await bench.container({ network: "six" });
      const own = (addresses: readonly string[]) =>
        addresses.find((each) => each.includes(":"))?.split("/", 1)[0] ?? "";
      await two.peer.listen("tcp", "::", 80);
      const answer = await one.peer.ask("tcp", own(two.endpoint.addresses), 80);
      assert.equal(answer, `${two.endpoint.id} ${own(one.endpoint.addresses)}`);
      await world.listen("tcp", "::", 80);
      assert.equal(await one.peer.ask("tcp", WORLD.address6, 80), `world ${WORLD.host6}`);
    },
  },
  {
    title: "keeps networks apart, and the world from what is not published",
    needs: ["create"],
    async check(bench) {
      const world = await bench.world();
      await bench.driver.create({ name: "other" });
      const [one, two] = [await bench.container(), await bench.container({ network: "other" })];
      await two.peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await one.peer.hearsNothing("tcp", two.address, 80), true);
      assert.equal(await world.hearsNothing("tcp", two.address, 80), true);
    },
  },
  {
    title: "leads nowhere from an internal network but to its own endpoints",
    needs: ["create", "internal"],
    async check(bench) {
      const world = await bench.world();
      const host = await bench.hostPeer();
      const info = await bench.driver.create({ name: "inner", internal: true });
      assert.equal(info.internal, true);
      const one = await bench.container({ network: "inner" });
      const two = await bench.container({ network: "inner" });
      assert.deepEqual([one.endpoint.routes, one.endpoint.gateways], [[], []]);
      for (const peer of [two.peer, world, host]) await peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await one.peer.ask("tcp", two.address, 80), `${two.endpoint.id} ${one.address}`);
      assert.equal(await one.peer.hearsNothing("tcp", WORLD.address4, 80), true);
      const gateway = info.subnets[0]?.gateway ?? "";
      assert.equal(await one.peer.hearsNothing("tcp", gateway, 80), true);
    },
  },
];
