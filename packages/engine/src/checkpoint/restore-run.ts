import { type CreateRequest, type Endpoint, OrlopError, type Runtime } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { awaitNames } from "../life/await-names.ts";
import { connectNetworks, disconnectNetworks } from "../life/container-networks.ts";
import type { NetworkAttachment } from "../state/container-description.ts";
import type { Container } from "../state/container-rows.ts";
import type { CheckpointChoices } from "./checkpoint-container.ts";
import { type CheckpointNote, CheckpointPlace, logDirectory } from "./checkpoint-place.ts";

/** What a run goes on from. */
export interface RestoreChoices extends CheckpointChoices {
  /** Take whatever addresses there are, instead of those that it had. */
  readonly newAddresses?: boolean;
  /** The same of hardware addresses. */
  readonly newHardwareAddresses?: boolean;
}

interface RestoredRun {
  readonly pid: number | undefined;
  readonly endpoints: readonly Endpoint[];
}

/** Makes the processes of a checkpoint again. On failure nothing of them is left. */
export async function restoreRun(
  context: EngineContext,
  container: Container,
  runtime: Runtime,
  request: CreateRequest,
  choices: RestoreChoices,
): Promise<RestoredRun> {
  if (runtime.restore === undefined) {
    const what = `runtime "${container.runtime}" cannot do that`;
    throw new OrlopError("unsupported", `Cannot restore container "${container.name}": ${what}`);
  }
  const place = new CheckpointPlace(context, container, choices);
  const connected = await withAddresses(context, container, place.read(), choices);
  let endpoints: readonly Endpoint[] = [];
  try {
    const { pid } = await runtime.restore(request, {
      imagePath: place.path,
      workPath: logDirectory(context, container.id),
      tcpEstablished: choices.tcpEstablished ?? false,
      fileLocks: choices.fileLocks ?? false,
      connect: async (init) => {
        endpoints = await connectNetworks(context, connected, init);
        await awaitNames(context, container, endpoints);
      },
    });
    return { pid, endpoints };
  } catch (error) {
    await disconnectNetworks(context, container);
    throw error;
  }
}

/** With what it had on its networks: sockets of its processes are bound to these addresses. */
async function withAddresses(
  context: EngineContext,
  container: Container,
  { endpoints }: CheckpointNote,
  { newAddresses = false, newHardwareAddresses = false }: RestoreChoices,
): Promise<Container> {
  const { network } = container;
  if (network.kind !== "networks") return container;
  const driver = await context.networks();
  const attachments: NetworkAttachment[] = [];
  for (const attachment of network.attachments) {
    const { id } = await driver.inspect(attachment.network);
    const kept = endpoints.find((endpoint) => endpoint.network === id);
    attachments.push({
      ...attachment,
      ...(kept === undefined || newAddresses
        ? {}
        : { addresses: kept.addresses.map((address) => address.replace(/\/.*$/, "")) }),
      ...(kept === undefined || newHardwareAddresses ? {} : { hardwareAddress: kept.hardwareAddress }),
    });
  }
  return { ...container, network: { ...network, attachments } };
}
