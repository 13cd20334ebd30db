import assert from "node:assert/strict";
import { WORLD } from "./network-bench.ts";
import type { NetworkCase } from "./network-case.ts";

export const egressCases: readonly NetworkCase[] = [
  {
    title: "lets out what a policy allows, and nothing else",
    needs: ["egress"],
    async check(bench) {
      const [world, host] = [await bench.world(), await bench.hostPeer()];
      for (const port of [80, 81, 443]) await world.listen("tcp", "0.0.0.0", port);
      await host.listen("tcp", "0.0.0.0", 22);
      const allow = [{ to: WORLD.address4, protocol: "tcp", ports: [80, 81] }] as const;
      const { peer, endpoint } = await bench.container({ egress: { allow } });
      assert.equal(await peer.ask("tcp", WORLD.address4, 80), `world ${WORLD.host4}`);
      assert.equal(await peer.ask("tcp", WORLD.address4, 81), `world ${WORLD.host4}`);
      assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 443), true);
      const [gateway = ""] = endpoint.gateways;
      assert.equal(await peer.hearsNothing("tcp", gateway, 22), true);
      const neighbour = await bench.container();
      await neighbour.peer.listen("tcp", "0.0.0.0", 80);
      assert.match(await peer.ask("tcp", neighbour.address, 80), /^container-2 /);
      assert.equal(await neighbour.peer.ask("tcp", WORLD.address4, 443), `world ${WORLD.host4}`);
    },
  },
  {
    title: "answers by a published port whatever the policy says",
    needs: ["egress", "publish"],
    async check(bench) {
      const world = await bench.world();
      const ports = [{ protocol: "tcp", hostAddress: "0.0.0.0", hostPort: 8080, containerPort: 80 }] as const;
      const { peer, endpoint } = await bench.container({ ports, egress: { allow: [] } });
      await peer.listen("tcp", "0.0.0.0", 80);
      assert.equal(await world.ask("tcp", WORLD.host4, 8080), `${endpoint.id} ${WORLD.address4}`);
    },
  },
  {
    title: "changes a policy while the endpoint is there, and ends what it no longer allows",
    needs: ["egress"],
    async check(bench) {
      const { driver } = bench;
      const world = await bench.world();
      for (const port of [80, 443]) await world.listen("tcp", "0.0.0.0", port);
      const { peer, endpoint } = await bench.container();
      for (const port of [80, 443]) await peer.open(WORLD.address4, port);
      const allow = [
        { to: "192.0.2.0/24", protocol: "tcp", ports: [443, 500] },
        { to: "192.0.2.0/25", protocol: "tcp", ports: [440, 443] },
      ] as const;
      const changed = await driver.setEgress(driver.defaultNetwork, endpoint.id, { allow });
      assert.notEqual(changed.egress, "all");
      assert.equal(await peer.isCutOff(80), true);
      assert.equal(await peer.say(443), `world ${WORLD.host4}`);
      assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 80), true);
      await driver.setEgress(driver.defaultNetwork, endpoint.id, "all");
      assert.equal(await peer.ask("tcp", WORLD.address4, 80), `world ${WORLD.host4}`);
    },
  },
];
