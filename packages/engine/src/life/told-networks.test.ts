import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Endpoint, type NetworkDriver, type NetworkInfo, OrlopError } from "@orlop/core";
import { Database } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { CONTAINER_TABLES } from "../state/container-rows.ts";
import { EventRows } from "../state/event-rows.ts";
import { ToldNetworks } from "./told-networks.ts";

const APP = { id: "1".repeat(64), name: "app", driver: "bridge" } as NetworkInfo;

/** One network and its endpoints, as far as its changes go. */
function fakeDriver(): NetworkDriver {
  const networks = new Map<string, NetworkInfo>();
  const endpoints = new Map<string, Endpoint>();
  const missing = (): never => {
    throw new OrlopError("not-found", "it is not there");
  };
  const driver: Partial<NetworkDriver> = {
    name: "bridge",
    defaultNetwork: "bridge",
    async create({ name }) {
      networks.set(name, APP);
      return APP;
    },
    inspect: async (network) =>
      networks.get(network) ?? [...networks.values()].find(({ id }) => id === network) ?? missing(),
    async remove(network) {
      if (endpoints.size > 0) throw new OrlopError("conflict", "an endpoint is on it");
      networks.delete(network);
    },
    async connect({ endpoint }) {
      const made = { id: endpoint, network: APP.id } as Endpoint;
      endpoints.set(endpoint, made);
      return made;
    },
    endpoint: async (_, endpoint) => endpoints.get(endpoint) ?? missing(),
    async disconnect(_, endpoint) {
      endpoints.delete(endpoint);
    },
  };
  return driver as NetworkDriver;
}

test("events tell what becomes of networks, and nothing of what was not there or did not happen", async () => {
  await withTemporaryDirectory(async (directory) => {
    const database = new Database(join(directory, "metadata.db"), [CONTAINER_TABLES]);
    const events = new EventRows(database);
    const told = new ToldNetworks(fakeDriver(), { database, events, nameOf: () => undefined });
    await told.create({ name: "app" });
    await told.connect({ network: "app", endpoint: "c1", namespace: { fd: -1 } });
    await assert.rejects(told.remove("app"), { code: "conflict" });
    await told.disconnect("app", "c1");
    await told.disconnect("app", "c1");
    await told.remove("app");
    await told.remove("app");
    const of = { name: "app", type: "bridge" };
    assert.deepEqual(
      events.after(0).map(({ type, action, id, attributes }) => [type, action, id, attributes]),
      [
        ["network", "create", APP.id, of],
        ["network", "connect", APP.id, { container: "c1", ...of }],
        ["network", "disconnect", APP.id, { container: "c1", ...of }],
        ["network", "destroy", APP.id, of],
      ],
    );
    database.close();
  });
});

test("errors speak of containers by their names", async () => {
  const [known, other] = ["a".repeat(64), "b".repeat(64)];
  const driver = {
    ...fakeDriver(),
    async connect() {
      throw new OrlopError("exists", `Cannot connect endpoint "${other}": endpoint "${known}" has it`);
    },
  };
  await withTemporaryDirectory(async (directory) => {
    using database = new Database(join(directory, "metadata.db"), [CONTAINER_TABLES]);
    const nameOf = (id: string): string | undefined => (id === known ? "web" : undefined);
    const told = new ToldNetworks(driver, { database, events: new EventRows(database), nameOf });
    await assert.rejects(told.connect({ network: "app", endpoint: other, namespace: { fd: -1 } }), {
      code: "exists",
      message: `Cannot connect container "${"b".repeat(12)}": container "web" has it`,
    });
  });
});
