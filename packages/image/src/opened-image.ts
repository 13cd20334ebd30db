import { formatPlatform, type ImageConfig, OrlopError, type Platform, platformRank } from "@orlop/core";
import type { StoredLayer } from "./layer/read-layer.ts";

/** Overlay itself takes 500; no real image has a tenth of them. */
const LAYERS_MAX = 500;

/** An image that is at hand: what its config says, and its layers, the lowest first. */
export interface OpenedImage {
  readonly config: ImageConfig;
  readonly layers: readonly StoredLayer[];
}

/** Puts the stored layers and the config's digests of them together. Throws where they do not fit, or the platform. */
export function openedImage(
  config: ImageConfig,
  stored: readonly Omit<StoredLayer, "diffId">[],
  platform: Platform,
): OpenedImage {
  const { diff_ids: diffIds } = config.rootfs;
  if (stored.length > LAYERS_MAX) {
    throw new OrlopError("exhausted", `Cannot use image: it has ${stored.length} layers, more than ${LAYERS_MAX}`);
  }
  if (stored.length !== diffIds.length) {
    const what = `its manifest has ${stored.length} layers and its config ${diffIds.length}`;
    throw new OrlopError("invalid", `Cannot use image: ${what}`);
  }
  if (platformRank(config, platform) === undefined) {
    throw new OrlopError(
      "unsupported",
      `Cannot use image: it is for ${formatPlatform(config)}, and this machine is ${formatPlatform(platform)}`,
    );
  }
  return { config, layers: diffIds.flatMap((diffId, index) => (stored[index] ? [{ ...stored[index], diffId }] : [])) };
}
