import type { Platform } from "@orlop/core";
import type { PulledImage } from "@orlop/image";
import type { RegistryClientOptions } from "@orlop/image/registry";
import type { ImageReference } from "../image/image-reference.ts";
import { tellTransfer } from "../images/tell-image.ts";
import { showProgress } from "../progress/show-progress.ts";
import type { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";
import { openSource } from "./open-source.ts";
import { takeIn } from "./take-in.ts";

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
  /** Ends it, as signals to this process do. */
  readonly signal?: AbortSignal;
}

/**
 * Brings an image to this machine, makes a root file system of it, and shows how that goes.
 *
 * @throws OrlopError
 */
export async function pull(depot: Depot, request: PullRequest): Promise<PulledImage> {
  const { reference, platform = ownPlatform(), quiet, registry, lease, signaturePolicy } = request;
  using _collecting = collectInOneGo();
  using cancel = new CancelOnSignals();
  const signal = request.signal === undefined ? cancel.signal : AbortSignal.any([cancel.signal, request.signal]);
  using progress = showProgress({ quiet, movement: "downloading" });
  await using open = await openSource(reference, depot, {
    signal,
    signaturePolicy,
    ...(registry === undefined ? {} : { registry }),
  });
  const { source, origin } = open;
  progress.onEvent({ kind: "resolving", source: source.name });
  const image = await open.image();
  const name = image.name ?? (lease === undefined ? image.target.digest : undefined);
  const pulled = await takeIn(
    depot,
    { source, origin, image, ...(name === undefined ? {} : { name }) },
    {
      platform,
      ...(lease === undefined ? {} : { lease }),
      signaturePolicy,
      signal,
      progress,
    },
  );
  if (name !== undefined) tellTransfer(depot.database, "pull", name);
  return pulled;
}
