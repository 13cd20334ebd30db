import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Database } from "@orlop/image";
import { findProgram } from "@orlop/kernel";
import type { MakeNetworkDriver } from "@orlop/testkit";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { CniDriver } from "./cni-driver.ts";

/** Where Debian, Fedora and the project itself put them. */
const PLUGINS = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"] as const;
const NEEDED = ["bridge", "host-local", "portmap", "firewall", "tuning"] as const;

/** Why the field's plug-ins cannot be tried here, or undefined. */
export function cniObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const plugin = NEEDED.find((name) => PLUGINS.every((directory) => findProgram(`${directory}/${name}`) === undefined));
  if (plugin !== undefined) return `needs the CNI plug-in ${plugin}, of containernetworking-plugins`;
  if (findProgram("iptables") === undefined) return "needs iptables";
  return spawnSync("unshare", ["--net", "iptables", "-t", "nat", "-L"]).status === 0
    ? undefined
    : "needs NAT by iptables";
}

/** A chain as installations have it. */
export function bridgeConflist(directory: string): Readonly<Record<string, unknown>> {
  const ipam = { type: "host-local", dataDir: join(directory, "addresses") };
  const routes = [{ dst: "0.0.0.0/0" }];
  const ranges = [[{ subnet: "10.88.0.0/16", gateway: "10.88.0.1" }]];
  const bridge = { type: "bridge", bridge: "cni-test0", isGateway: true, ipMasq: true, hairpinMode: true };
  return {
    cniVersion: "0.4.0",
    name: "chain",
    plugins: [
      { ...bridge, capabilities: { ips: true }, ipam: { ...ipam, routes, ranges } },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
      { type: "tuning", capabilities: { mac: true } },
    ],
  };
}

/** Drivers on one database, each with a connection of its own, as processes have them. */
export const makeCniDriver: MakeNetworkDriver = async (directory, hostNamespace) => {
  const configDirectory = join(directory, "net.d");
  mkdirSync(configDirectory);
  writeFileSync(join(configDirectory, "10-chain.conflist"), JSON.stringify(bridgeConflist(directory)));
  const stack = new AsyncDisposableStack();
  const open = (): CniDriver => {
    const database = stack.use(new Database(join(directory, "metadata.db")));
    const records = new SqliteRecords(database, "cni");
    const driver = new CniDriver({ records, configDirectory, hostNamespace, lockFile: join(directory, "lock") });
    stack.defer(() => driver.close());
    return driver;
  };
  return { driver: open(), another: async () => open(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
};
