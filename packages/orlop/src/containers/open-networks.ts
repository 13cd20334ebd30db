import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkDriver } from "@orlop/core";
import type { MachineView } from "../run/machine-view.ts";
import type { Depot } from "../store/open-depot.ts";

/**
 * What connects containers with networks here: bridges, which stand in a namespace of his own where it is an ordinary user's; as root
 * also what is configured for CNI, and for ordinary users a program beside each container.
 */
export async function openNetworks(
  depot: Depot,
  { rootless }: MachineView,
  stateDirectory: string,
): Promise<NetworkDriver> {
  const drivers = await import("@orlop/network");
  const records = (driver: string) => new drivers.SqliteRecords(depot.database, driver);
  const own = records("bridge");
  if (!rootless) {
    const bridges = new drivers.BridgeDriver({ records: own });
    return new drivers.CombinedDriver(bridges, new drivers.CniDriver({ records: records("cni") }));
  }
  // What is started beside containers belongs to these records: another store of the same user has others.
  const place = (name: string): string => {
    const directory = join(stateDirectory, "networks", own.owner(), name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  };
  const userHost = { host: new drivers.UserHost(place("bridges"), own), uplink: new drivers.Uplink(place("uplink")) };
  return new drivers.CombinedDriver(
    new drivers.BridgeDriver({ records: own, userHost }),
    new drivers.PastaDriver({ records: records("pasta"), directory: place("pasta") }),
    new drivers.SlirpDriver({ records: records("slirp4netns"), directory: place("slirp4netns") }),
  );
}
