import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { Database } from "@orlop/image";
import { NetworkRelay, type RelayNamespace } from "@orlop/kernel/netlink";
import { changeLink, listLinks } from "@orlop/kernel/rtnetlink";
import { holdNamespaces, withTemporaryDirectory } from "@orlop/testkit";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";
import { bridgeObstacle } from "./bridge-subject-fixture.ts";
import { RuleSet } from "./rule-set.ts";

/** Of all those that the work has, one in so many is where it is killed. */
const STEP = 5;

/** Whether the work came to its end before it was killed. */
async function work(hostNamespace: string, ...args: readonly string[]): Promise<boolean> {
  const program = new URL("./bridge-work-fixture.ts", import.meta.url).pathname;
  const words = [`--net=${hostNamespace}`, process.execPath, "-C", "source", program, ...args];
  const child = spawn("nsenter", words, { stdio: "inherit" });
  const [status, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  assert.ok(status === 0 || signal === "SIGKILL", `it ended with ${status ?? signal}`);
  return status === 0;
}

async function pairs(namespace: RelayNamespace): Promise<readonly string[]> {
  const links = await namespace.values("route", listLinks());
  return links.filter(({ info }) => info?.own?.kind === "veth").map(({ name = "" }) => name);
}

interface Host {
  /** Of its network namespace. */
  readonly host: string;
  /** Of its database. */
  readonly path: string;
  readonly relay: NetworkRelay;
  readonly database: Database;
  readonly records: SqliteRecords;
  readonly driver: BridgeDriver;
}

/** A network namespace in the place of the machine's, with a driver that goes on where a killed one has left off. */
async function withHost(t: TestContext, use: (parts: Host) => Promise<void>): Promise<void> {
  const obstacle = bridgeObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  await withTemporaryDirectory(async (directory) => {
    await using namespaces = await holdNamespaces(["net"]);
    const host = namespaces.path("net");
    using relay = await NetworkRelay.start(host);
    await relay.home.route(changeLink("lo", { up: true }));
    const path = join(directory, "metadata.db");
    using database = new Database(path);
    const records = new SqliteRecords(database, "bridge");
    const driver = new BridgeDriver({ records, hostNamespace: host });
    await use({ host, path, relay, database, records, driver });
    await driver.close();
  });
}

suite("a process that is killed in the middle of its work", () => {
  test("leaves nothing behind the next clean-up, wherever it was", async (t) => {
    await withHost(t, async ({ host, path, relay, database, driver }) => {
      await using container = await holdNamespaces(["net"]);
      let ended = false;
      for (let nth = 1; !ended; nth += STEP) {
        ended = await work(host, path, container.path("net"), String(nth));
        await driver.cleanup();
        const endpoints = await driver.endpoints();
        assert.equal((await pairs(relay.home)).length, endpoints.length, `killed at ${nth}`);
        const told = await Promise.all(endpoints.map(({ id }) => driver.endpoint("work", id)));
        assert.deepEqual(told, endpoints);
        // What was done before the kill is there in full: it can be used, and taken back.
        for (const { id } of endpoints) await driver.disconnect("work", id);
        await driver.remove("work");
        await assertNothing(relay.home, database, nth);
      }
    });
  });

  test("has what it left of an endpoint removed by whoever connects next", async (t) => {
    await withHost(t, async ({ host, path, relay, records, driver }) => {
      await using killed = await holdNamespaces(["net"]);
      await using next = await holdNamespaces(["net"]);
      // Further each time, until it is in the middle of an endpoint.
      for (let nth = STEP; records.unfinished().length === 0; nth += STEP) {
        await driver.remove("work");
        assert.equal(await work(host, path, killed.path("net"), String(nth)), false);
      }
      await driver.connect({ network: "bridge", endpoint: "two", namespace: { path: next.path("net") } });
      assert.deepEqual(
        (await driver.endpoints()).map(({ id }) => id),
        ["two"],
      );
      assert.deepEqual(records.unfinished(), []);
      assert.equal((await pairs(relay.home)).length, 1);
      await driver.disconnect("bridge", "two");
    });
  });
});

async function assertNothing(host: RelayNamespace, database: Database, nth: number): Promise<void> {
  const links = await host.values("route", listLinks());
  assert.deepEqual(
    links.map(({ name }) => name),
    ["lo"],
    `killed at ${nth}`,
  );
  const { elements } = await new RuleSet(host, new SqliteRecords(database, "bridge").owner()).list();
  assert.deepEqual(elements, [], `killed at ${nth}`);
  for (const table of ["networks", "network_endpoints", "network_addresses", "network_ports"]) {
    assert.deepEqual(database.all(`select * from ${table}`), [], `${table}, killed at ${nth}`);
  }
}
