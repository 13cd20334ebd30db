import {
  type Descriptor,
  formatReference,
  type ImageSource,
  type OfferedImage,
  type Platform,
  type Snapshotter,
} from "@orlop/core";
import {
  type PulledImage,
  pullImage,
  readStoredImage,
  readStreamProcessors,
  STREAM_PROCESSORS_FILE,
} from "@orlop/image";
import type { ImageOrigin } from "@orlop/image/verify";
import { snapshotLosses } from "@orlop/snapshot";
import { readImageContent } from "../images/image-content.ts";
import { printWarning } from "../print.ts";
import type { Progress } from "../progress/show-progress.ts";
import type { Depot } from "../store/open-depot.ts";
import { imageVerifiers } from "./image-verifiers.ts";

interface TakenImage {
  readonly source: ImageSource;
  /** For policies. */
  readonly origin: ImageOrigin;
  readonly image: OfferedImage;
  /** Absent: a lease is to keep it. */
  readonly name?: string;
}

interface TakeInOptions {
  /** With "all" nothing is unpacked. */
  readonly platform: Platform | "all";
  readonly lease?: string;
  /** Absent: the user's, or the machine's. */
  readonly signaturePolicy?: string | undefined;
  readonly signal: AbortSignal;
  /** Ended when the image is here. */
  readonly progress?: Progress;
}

/**
 * Takes an image into the depot, if those who verify images here allow it, and makes a root file system of it.
 *
 * @throws OrlopError
 */
export async function takeIn(
  depot: Depot,
  { source, origin, image, name }: TakenImage,
  { platform, lease, signaturePolicy, signal, progress }: TakeInOptions,
): Promise<PulledImage> {
  const verifiers = imageVerifiers(origin, { policyFile: signaturePolicy });
  const unpacked = platform === "all" ? undefined : { platform, snapshotter: await depot.snapshotter() };
  const pulled = await pullImage(source, depot, image, {
    ...(name === undefined ? {} : { name }),
    ...unpacked,
    ...("reference" in origin ? { reference: formatReference(origin.reference) } : {}),
    ...(lease === undefined ? {} : { lease }),
    verifiers,
    processors: () => readStreamProcessors(STREAM_PROCESSORS_FILE),
    signal,
    ...(progress === undefined ? {} : { onEvent: (event) => progress.onEvent(event) }),
  });
  progress?.[Symbol.dispose]();
  if (unpacked !== undefined) await tellLosses(depot, pulled.target, unpacked);
  return pulled;
}

interface Unpacked {
  readonly platform: Platform;
  readonly snapshotter: Snapshotter;
}

/** What an ordinary user does not get of the layers: told when they come, not at each start. */
async function tellLosses(depot: Depot, target: Descriptor, { platform, snapshotter }: Unpacked): Promise<void> {
  if (process.geteuid?.() === 0) return;
  const { config } = await readImageContent(depot.content, { name: target.digest, target }, platform);
  // An artifact that is no image.
  if (config === undefined) return;
  const { chainId } = await readStoredImage(depot.content, target, platform);
  for (const loss of await snapshotLosses(snapshotter, chainId)) printWarning(loss);
}
