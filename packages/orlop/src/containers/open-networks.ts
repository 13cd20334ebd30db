import { type NetworkDriver, OrlopError } from "@orlop/core";
import type { MachineView } from "../run/machine-view.ts";
import type { Depot } from "../store/open-depot.ts";

/** What connects containers with networks here. @throws OrlopError `unsupported` */
export async function openNetworks(depot: Depot, { rootless }: MachineView): Promise<NetworkDriver> {
  if (rootless) {
    const way = "Try --network none or host, or orlop as root.";
    throw new OrlopError("unsupported", `Cannot use networks: an ordinary user has none of his own yet\n${way}`);
  }
  const { BridgeDriver, SqliteRecords } = await import("@orlop/network");
  return new BridgeDriver({ records: new SqliteRecords(depot.database, "bridge") });
}
