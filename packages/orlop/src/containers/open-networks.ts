import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkDriver } from "@orlop/core";
import type { MachineView } from "../run/machine-view.ts";
import type { Depot } from "../store/open-depot.ts";

/** What connects containers with networks here: bridges as root, pasta for ordinary users, who may make none. */
export async function openNetworks(
  depot: Depot,
  { rootless }: MachineView,
  stateDirectory: string,
): Promise<NetworkDriver> {
  const { BridgeDriver, PastaDriver, SqliteRecords } = await import("@orlop/network");
  if (!rootless) return new BridgeDriver({ records: new SqliteRecords(depot.database, "bridge") });
  const directory = join(stateDirectory, "pasta");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new PastaDriver({ records: new SqliteRecords(depot.database, "pasta"), directory });
}
