/**
 * Tries one case of the suite of networks as an ordinary user, in a machine of his own: run in namespaces of the user's and the
 * network, with all capabilities there. Its arguments: the case's
 * title, and the one program that leads out.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Database } from "@orlop/image";
import { holdNamespaces, type MakeNetworkDriver, tryNetworkCase } from "@orlop/testkit";
import { BridgeDriver } from "../bridge/bridge-driver.ts";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { UPLINK_PROGRAMS, Uplink } from "./uplink.ts";
import { UserHost } from "./user-host.ts";

/** Without a word, all that there are. */
const programs = UPLINK_PROGRAMS.filter((each) => process.argv[3] === undefined || process.argv[3] === each);

const makeUserBridges: MakeNetworkDriver = async (directory) => {
  const stack = new AsyncDisposableStack();
  const open = (): { readonly driver: BridgeDriver; readonly host: UserHost } => {
    const records = new SqliteRecords(stack.use(new Database(join(directory, "metadata.db"))), "bridge");
    const host = new UserHost(join(directory, "bridges"), records);
    const userHost = { host, uplink: new Uplink(join(directory, "uplink"), { programs }) };
    const driver = new BridgeDriver({ records, userHost });
    stack.defer(() => driver.close());
    return { driver, host };
  };
  const { driver, host } = open();
  const held = await driver.holdUserNamespace();
  assert.ok(held !== undefined);
  stack.use(held);
  stack.defer(async () => {
    for (const { network, id } of await driver.endpoints()) await driver.disconnect(network, id);
  });
  return {
    driver,
    another: async () => open().driver,
    bridges: () => host.find()?.net,
    namespace: () => holdNamespaces(["net"], held.path),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

await tryNetworkCase(process.argv[2] ?? "", makeUserBridges);
