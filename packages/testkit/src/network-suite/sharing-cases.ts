import assert from "node:assert/strict";
import type { NetworkCase } from "./network-case.ts";

export const sharingCases: readonly NetworkCase[] = [
  {
    title: "shows other processes the same networks and endpoints",
    async check(bench) {
      const other = await bench.another();
      const { endpoint } = await bench.container();
      assert.deepEqual(await other.list(), await bench.driver.list());
      assert.deepEqual(await other.endpoints(), [endpoint]);
      await other.disconnect(other.defaultNetwork, endpoint.id);
      assert.deepEqual(await bench.driver.endpoints(), []);
    },
  },
  {
    title: "gives each address and port to one of those who ask at once",
    async check(bench) {
      const drivers = [bench.driver, await bench.another(), await bench.another()];
      const spaces = await Promise.all(Array.from({ length: 9 }, () => bench.namespace()));
      const features = await bench.driver.features();
      const ports = features.publish.includes("tcp") ? [{ protocol: "tcp", containerPort: 80 } as const] : [];
      const endpoints = await Promise.all(
        spaces.map(({ net }, index) => {
          const driver = drivers[index % drivers.length] ?? bench.driver;
          const namespace = { path: net };
          return driver.connect({ network: driver.defaultNetwork, endpoint: `e${index}`, namespace, ports });
        }),
      );
      assert.equal(
        new Set(endpoints.flatMap(({ addresses }) => addresses)).size,
        endpoints.flatMap((e) => e.addresses).length,
      );
      const given = endpoints.flatMap((each) => each.ports.map(({ hostPort }) => hostPort));
      assert.equal(new Set(given).size, given.length);
      assert.equal((await bench.driver.endpoints()).length, spaces.length);
    },
  },
  {
    title: "connects one of several who want the same endpoint id, and leaves nothing of the others",
    async check(bench) {
      const drivers = [bench.driver, await bench.another()];
      const spaces = await Promise.all(drivers.map(() => bench.namespace()));
      const results = await Promise.allSettled(
        drivers.map((driver, index) =>
          driver.connect({
            network: driver.defaultNetwork,
            endpoint: "wanted",
            namespace: { path: spaces[index]?.net ?? "" },
          }),
        ),
      );
      const made = results.filter(({ status }) => status === "fulfilled");
      assert.equal(made.length, 1);
      assert.equal((await bench.driver.endpoints()).length, 1);
    },
  },
  {
    title: "removes what ended namespaces have left, and gives their addresses to others",
    async check(bench) {
      const { driver } = bench;
      const kept = await bench.container();
      const space = await bench.namespace();
      const request = { network: driver.defaultNetwork, endpoint: "gone", namespace: { path: space.net } };
      const gone = await driver.connect(request);
      await space[Symbol.asyncDispose]();
      // The kernel takes namespaces apart in its own time.
      await bench.cleanUpUntil(async () => (await driver.endpoints()).length === 1);
      const fresh = await bench.container();
      assert.deepEqual(fresh.endpoint.addresses, gone.addresses);
      assert.deepEqual(
        (await driver.endpoints()).map(({ id }) => id),
        [kept.endpoint.id, fresh.endpoint.id].toSorted(),
      );
    },
  },
];
