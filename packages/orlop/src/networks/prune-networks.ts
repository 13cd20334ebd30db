import type { NetworkDriver, NetworkInfo } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";

/** What of a driver it takes. */
export type PrunedNetworks = Pick<
  NetworkDriver,
  "name" | "defaultNetwork" | "list" | "endpoints" | "remove" | "cleanup"
>;

/**
 * Removes networks that were made by command and that no container is on, and what processes that were killed have left of any.
 * Resolves with the names of the networks.
 */
export async function pruneNetworks(
  engine: Pick<Engine, "list">,
  driver: PrunedNetworks,
  suits: (network: NetworkInfo) => boolean = () => true,
): Promise<readonly string[]> {
  const used = new Set((await engine.list()).flatMap(({ network }) => attachedTo(network)));
  const removed: string[] = [];
  for (const network of await driver.list()) {
    const { id, name, driver: itsDriver } = network;
    // Others are made by configuration.
    if (itsDriver !== driver.name || name === driver.defaultNetwork || used.has(name) || used.has(id)) continue;
    if (!suits(network) || (await driver.endpoints(id)).length > 0) continue;
    await driver.remove(id);
    removed.push(name);
  }
  await driver.cleanup();
  return removed;
}

function attachedTo(network: Container["network"]): readonly string[] {
  return network.kind === "networks" ? network.attachments.map((attachment) => attachment.network) : [];
}
