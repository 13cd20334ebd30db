import { join } from "node:path";
import { Database } from "@orlop/image";
import type { MakeNetworkDriver } from "@orlop/testkit";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";

/** Why there can be no bridges here, or undefined. */
export function bridgeObstacle(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "needs root";
}

/** Drivers on one database, each with a connection of its own, as processes have them. */
export const makeBridgeDriver: MakeNetworkDriver = async (directory, hostNamespace) => {
  const stack = new AsyncDisposableStack();
  const open = (): BridgeDriver => {
    const database = stack.use(new Database(join(directory, "metadata.db")));
    const driver = new BridgeDriver({ records: new SqliteRecords(database, "bridge"), hostNamespace });
    stack.defer(() => driver.close());
    return driver;
  };
  return { driver: open(), another: async () => open(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
};
