import assert from "node:assert/strict";
import { test } from "node:test";
import { type EgressPolicy, type Endpoint, type NetworkDriver, OrlopError, type PublishedPort } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { ContainerNetwork } from "../state/container-description.ts";
import type { Container } from "../state/container-rows.ts";
import { updateNetworks } from "./update-networks.ts";

const port = (hostPort: number, containerPort: number): Required<PublishedPort> => {
  return { protocol: "tcp", hostAddress: "127.0.0.1", hostPort, containerPort, count: 1 };
};

/** One endpoint on each of two networks; a change of the second one's policy fails where that is wanted. */
class FakeNetworks {
  readonly endpoints: Map<string, Endpoint> = new Map(
    ["app", "side"].map((network) => [
      network,
      { network, id: "box", ports: [], egress: "all" } as unknown as Endpoint,
    ]),
  );
  isRefusing = false;

  get driver(): NetworkDriver {
    const change = (network: string, changes: Partial<Endpoint>): Endpoint => {
      const changed = { ...(this.endpoints.get(network) as Endpoint), ...changes };
      this.endpoints.set(network, changed);
      return changed;
    };
    const ports = (network: string): Endpoint["ports"] => this.endpoints.get(network)?.ports ?? [];
    const driver: Partial<NetworkDriver> = {
      endpoint: async (network) => this.endpoints.get(network) as Endpoint,
      publish: async (network, _, more) =>
        change(network, { ports: [...ports(network), ...more.map((each) => ({ ...port(49_152, 0), ...each }))] }),
      unpublish: async (network, _, gone) =>
        change(network, {
          ports: ports(network).filter(({ hostPort }) => !gone.some((each) => each.hostPort === hostPort)),
        }),
      setEgress: async (network, _, egress) => {
        if (this.isRefusing && network === "side") throw new OrlopError("failed", "refused");
        return change(network, { egress });
      },
    };
    return driver as NetworkDriver;
  }

  async update(network: ContainerNetwork, changes: Parameters<typeof updateNetworks>[2]): Promise<ContainerNetwork> {
    const context = { networks: async () => this.driver, directory: "/nowhere" } as unknown as EngineContext;
    const state = { endpoints: [...this.endpoints.values()] };
    const container = { id: "box", name: "box", network, state } as unknown as Container;
    return (await updateNetworks(context, container, changes)).network;
  }
}

const NETWORK = { kind: "networks", attachments: [], ports: [] } as const;
const POLICY: EgressPolicy = { allow: [{ to: "10.0.0.0/8" }] };

test("a change that fails on one network leaves all of them, and the ports, as they were", async () => {
  const networks = new FakeNetworks();
  networks.isRefusing = true;
  await assert.rejects(networks.update(NETWORK, { publish: [port(8080, 80)], egress: POLICY }), { code: "failed" });
  for (const { ports, egress } of networks.endpoints.values()) assert.deepEqual([ports, egress], [[], "all"]);
});

test("ports and policies are written down for the next start, a port once, and it goes by any of its numbers", async () => {
  const networks = new FakeNetworks();
  const first = await networks.update(NETWORK, { publish: [port(8080, 80)], egress: POLICY });
  assert.deepEqual(first, { ...NETWORK, ports: [port(8080, 80)], egress: POLICY });
  const chosen = { protocol: "tcp", containerPort: 81 } as const;
  const second = await networks.update(first, { publish: [port(8080, 80), chosen] });
  assert.deepEqual(second, { ...first, ports: [port(8080, 80), chosen] });
  const third = await networks.update(second, { unpublish: [{ ...chosen, hostPort: 49_152 }] });
  assert.deepEqual(third, first);
  await assert.rejects(networks.update(third, { unpublish: [chosen] }), { code: "not-found" });
  await assert.rejects(networks.update({ kind: "none" }, { egress: "all" }), { code: "conflict" });
});
