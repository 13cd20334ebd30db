import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { PublishedPort } from "@orlop/core";
import { Database } from "@orlop/image";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { changeLink, listLinks } from "@orlop/kernel/rtnetlink";
import { holdNamespaces, withTemporaryDirectory } from "@orlop/testkit";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";
import { bridgeObstacle } from "./bridge-subject-fixture.ts";
import { RuleSet } from "./rule-set.ts";

/** Of all requests of an operation, one in so many is where its relay is killed. */
const STEP = 4;

/** Whether a relay is killed before it gets a request, or when it has carried it out and nobody has heard of it yet. */
type Moment = "before" | "after";

/** Kills relays of this process, except for those that were there before. */
class RelayKiller implements Disposable {
  readonly #spared = new Set(children());
  readonly #ask = NetworkRelay.prototype.ask;
  #left = 0;
  #moment: Moment = "before";
  /** So many have been killed. */
  deaths = 0;

  constructor() {
    const killer = this;
    const ask = this.#ask;
    NetworkRelay.prototype.ask = async function killed(request) {
      killer.#left -= 1;
      if (killer.#left !== 0) return await ask.call(this, request);
      if (killer.#moment === "after") await ask.call(this, request);
      killer.#kill();
      return await ask.call(this, request);
    };
  }

  /** Does something, with its relay killed at the nth request. */
  async at<T>(nth: number, moment: Moment, work: () => Promise<T>): Promise<T> {
    [this.#left, this.#moment] = [nth, moment];
    try {
      return await work();
    } finally {
      this.#left = 0;
    }
  }

  #kill(): void {
    for (const pid of children()) if (!this.#spared.has(pid)) process.kill(pid, "SIGKILL");
    this.deaths += 1;
  }

  [Symbol.dispose](): void {
    NetworkRelay.prototype.ask = this.#ask;
  }
}

function children(): readonly number[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    const pids = readFileSync(join("/proc/self/task", task, "children"), "utf8").split(" ");
    return pids.filter((pid) => pid !== "").map(Number);
  });
}

const PORT = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80 } as const;
const MORE: readonly PublishedPort[] = [{ ...PORT, hostPort: 0, containerPort: 81 }];

suite("a relay that is killed", () => {
  for (const moment of ["before", "after"] as const) {
    test(`keeps a driver from nothing, ${moment} whichever request it was`, async (t) => {
      const obstacle = bridgeObstacle();
      if (obstacle !== undefined) return t.skip(obstacle);
      await withTemporaryDirectory(async (directory) => {
        await using host = await holdNamespaces(["net"]);
        await using container = await holdNamespaces(["net"]);
        using relay = await NetworkRelay.start(host.path("net"));
        await relay.home.route(changeLink("lo", { up: true }));
        using database = new Database(join(directory, "metadata.db"));
        const records = new SqliteRecords(database, "bridge");
        const driver = new BridgeDriver({ records, hostNamespace: host.path("net") });
        const namespace = { path: container.path("net") };
        using killer = new RelayKiller();
        for (let nth = 1, deaths = -1; deaths !== killer.deaths; nth += STEP) {
          deaths = killer.deaths;
          const at = <T>(work: () => Promise<T>): Promise<T> => killer.at(nth, moment, work);
          await at(() => driver.create({ name: "work", ipv6: true }));
          const made = await at(() => driver.connect({ network: "work", endpoint: "one", namespace, ports: [PORT] }));
          assert.deepEqual(await driver.endpoint("work", "one"), made);
          const { ports } = await at(() => driver.publish("work", "one", MORE));
          assert.equal(ports.length, 2);
          await at(() => driver.setEgress("work", "one", { allow: [{ to: "192.0.2.0/24" }] }));
          await at(() => driver.cleanup());
          const rules = new RuleSet(relay.home, records.owner());
          const published = (await rules.list()).elements.filter(({ key }) =>
            JSON.stringify(key).includes("127.0.0.1"),
          );
          assert.equal(published.length, 2, `killed ${moment} ${nth}: ${JSON.stringify(published)}`);
          await at(() => driver.unpublish("work", "one", [PORT]));
          await at(() => driver.disconnect("work", "one"));
          await at(() => driver.remove("work"));
          const links = (await relay.home.values("route", listLinks())).map(({ name }) => name);
          assert.deepEqual([links, (await rules.list()).elements], [["lo"], []], `killed ${moment} ${nth}`);
          for (const table of ["networks", "network_endpoints", "network_addresses", "network_ports"]) {
            assert.deepEqual(database.all(`select * from ${table}`), [], `${table}, killed ${moment} ${nth}`);
          }
        }
        t.diagnostic(`${killer.deaths} relays killed`);
        await driver.close();
      });
    });
  }
});
