import assert from "node:assert/strict";
import { Database } from "@orlop/image";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";
import { hostIdentity } from "./host-identity.ts";
import { HostSide } from "./host-side.ts";
import { letOutTo } from "./let-out.ts";

/**
 * A process of its own that does everything that a driver can do, and kills itself when it is about to ask the kernel for
 * something for the nth time. It is in the namespace of the host. Its arguments: the database, the container's namespace, n.
 */
const [, , database = "", namespace = "", nth = ""] = process.argv;
const ask = NetworkRelay.prototype.ask;
let asked = 0;
NetworkRelay.prototype.ask = function killed(request) {
  asked += 1;
  if (asked === Number(nth)) process.kill(process.pid, "SIGKILL");
  return ask.call(this, request);
};
const records = new SqliteRecords(new Database(database), "bridge");
const driver = new BridgeDriver({ records });
await driver.create({ name: "work", ipv6: true });
const port = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80 } as const;
await driver.connect({ network: "work", endpoint: "one", namespace: { path: namespace }, ports: [port] });
await driver.publish("work", "one", [{ ...port, hostPort: 9090, count: 3 }]);
const named = [{ to: "www.example", protocol: "tcp", ports: [80, 443] }, { to: "*.example" }] as const;
await driver.setEgress("work", "one", { allow: [{ to: "192.0.2.0/24" }, { to: "2001:db8::/32" }, ...named] });
const stop = new AbortController();
const served = driver.names.serve(() => ({ [Symbol.dispose]: () => {} }), stop.signal);
assert.equal(await driver.names.isAnswered("work", "one", AbortSignal.timeout(30_000)), true);
const side = new HostSide({ namespace: (await NetworkRelay.start()).home, records, identity: hostIdentity() });
const network = (await driver.inspect("work")).id;
const addresses = ["198.51.100.7", "2001:db8:1::7"].map((address) => ({ address, ttlSeconds: 600 }));
for (const name of ["www.example", "other.example"]) {
  await letOutTo(records, (work) => work(side), { network, id: "one", name, addresses });
}
stop.abort();
await served;
await driver.unpublish("work", "one", [{ ...port, count: 1 }]);
await driver.disconnect("work", "one");
await driver.remove("work");
process.exit(0);
