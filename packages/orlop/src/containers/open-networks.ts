import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkDriver } from "@orlop/core";
import type { MachineView } from "../run/machine-view.ts";
import type { Depot } from "../store/open-depot.ts";

/**
 * What connects containers with networks here: as root bridges, and what is configured for CNI; pasta for ordinary users, who
 * may make none of these.
 */
export async function openNetworks(
  depot: Depot,
  { rootless }: MachineView,
  stateDirectory: string,
): Promise<NetworkDriver> {
  const { BridgeDriver, CniDriver, CombinedDriver, PastaDriver, SqliteRecords } = await import("@orlop/network");
  const records = (driver: string) => new SqliteRecords(depot.database, driver);
  if (!rootless) {
    return new CombinedDriver(
      new BridgeDriver({ records: records("bridge") }),
      new CniDriver({ records: records("cni") }),
    );
  }
  const directory = join(stateDirectory, "pasta");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new PastaDriver({ records: records("pasta"), directory });
}
