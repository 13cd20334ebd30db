import { Database } from "@orlop/image";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";

/**
 * A process of its own that does everything that a driver can do, and kills itself when it is about to ask the kernel for
 * something for the nth time. Its arguments: the database, the host's namespace, the container's, n.
 */
const [, , database = "", hostNamespace = "", namespace = "", nth = ""] = process.argv;
const ask = NetworkRelay.prototype.ask;
let asked = 0;
NetworkRelay.prototype.ask = function killed(request) {
  asked += 1;
  if (asked === Number(nth)) process.kill(process.pid, "SIGKILL");
  return ask.call(this, request);
};
const driver = new BridgeDriver({ records: new SqliteRecords(new Database(database), "bridge"), hostNamespace });
await driver.create({ name: "work", ipv6: true });
const port = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80 } as const;
await driver.connect({ network: "work", endpoint: "one", namespace: { path: namespace }, ports: [port] });
await driver.publish("work", "one", [{ ...port, hostPort: 9090, count: 3 }]);
await driver.setEgress("work", "one", { allow: [{ to: "192.0.2.0/24" }, { to: "2001:db8::/32" }] });
await driver.unpublish("work", "one", [{ ...port, count: 1 }]);
await driver.disconnect("work", "one");
await driver.remove("work");
process.exit(0);
