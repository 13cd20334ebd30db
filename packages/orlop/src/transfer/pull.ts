import type { Descriptor, Platform, Snapshotter } from "@orlop/core";
import {
  type PulledImage,
  pullImage,
  readStoredImage,
  readStreamProcessors,
  STREAM_PROCESSORS_FILE,
} from "@orlop/image";
import type { RegistryClientOptions } from "@orlop/image/registry";
import { snapshotLosses } from "@orlop/snapshot";
import type { ImageReference } from "../image/image-reference.ts";
import { printWarning } from "../print.ts";
import { showProgress } from "../progress/show-progress.ts";
import type { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";
import { imageVerifiers } from "./image-verifiers.ts";
import { openSource } from "./open-source.ts";

export interface PullRequest {
  readonly reference: ImageReference;
  /** Another than this machine's, or "all"; nothing is unpacked then that this machine does not run. */
  readonly platform?: Platform | "all";
  readonly quiet: boolean;
  readonly registry?: RegistryClientOptions;
  /** Absent: the user's, or the machine's. */
  readonly signaturePolicy?: string | undefined;
  /** Keeps an image that has no name; absent: it gets its digest for one. */
  readonly lease?: string;
}

/**
 * Brings an image to this machine, makes a root file system of it, and shows how that goes.
 *
 * @throws OrlopError
 */
export async function pull(depot: Depot, request: PullRequest): Promise<PulledImage> {
  const { reference, platform = ownPlatform(), quiet, registry, lease, signaturePolicy } = request;
  collectInOneGo();
  using cancel = new CancelOnSignals();
  const { signal } = cancel;
  using progress = showProgress({ quiet, movement: "downloading" });
  await using open = await openSource(reference, depot, { signal, ...(registry === undefined ? {} : { registry }) });
  progress.onEvent({ kind: "resolving", source: open.source.name });
  const verifiers = imageVerifiers(open.origin, { policyFile: signaturePolicy });
  const image = await open.image();
  const name = image.name ?? (lease === undefined ? image.target.digest : undefined);
  const snapshotter = platform === "all" ? undefined : await depot.snapshotter();
  const pulled = await pullImage(open.source, depot, image, {
    ...(name === undefined ? {} : { name }),
    ...(platform === "all" || snapshotter === undefined ? {} : { platform, snapshotter }),
    ...(lease === undefined ? {} : { lease }),
    verifiers,
    processors: () => readStreamProcessors(STREAM_PROCESSORS_FILE),
    signal,
    onEvent: (event) => progress.onEvent(event),
  });
  progress[Symbol.dispose]();
  if (platform !== "all" && snapshotter !== undefined)
    await tellLosses(depot, pulled.target, { platform, snapshotter });
  return pulled;
}

interface Unpacked {
  readonly platform: Platform;
  readonly snapshotter: Snapshotter;
}

/** What an ordinary user does not get of the layers: told when they come, not at each start. */
async function tellLosses(depot: Depot, target: Descriptor, { platform, snapshotter }: Unpacked): Promise<void> {
  if (process.geteuid?.() === 0) return;
  const { chainId } = await readStoredImage(depot.content, target, platform);
  for (const loss of await snapshotLosses(snapshotter, chainId)) printWarning(loss);
}
