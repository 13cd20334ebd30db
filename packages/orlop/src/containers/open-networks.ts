import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkDriver } from "@orlop/core";
import type { MachineView } from "../run/machine-view.ts";
import { rootlessNetwork } from "../run/rootless-network.ts";
import type { Depot } from "../store/open-depot.ts";

/**
 * What connects containers with networks here: as root bridges, and what is configured for CNI; a program beside them for
 * ordinary users, who may make none of these.
 */
export async function openNetworks(
  depot: Depot,
  { rootless }: MachineView,
  stateDirectory: string,
): Promise<NetworkDriver> {
  const drivers = await import("@orlop/network");
  const records = (driver: string) => new drivers.SqliteRecords(depot.database, driver);
  if (!rootless) {
    const bridges = new drivers.BridgeDriver({ records: records("bridge") });
    return new drivers.CombinedDriver(bridges, new drivers.CniDriver({ records: records("cni") }));
  }
  const name = rootlessNetwork();
  const directory = join(stateDirectory, name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const options = { records: records(name), directory };
  return name === "pasta" ? new drivers.PastaDriver(options) : new drivers.SlirpDriver(options);
}
