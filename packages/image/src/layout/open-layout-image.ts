import { decodeImageConfig, decodeImageLayout, decodeIndex, decodeManifest, type Platform } from "@orlop/core";
import { type OpenedImage, openedImage } from "../opened-image.ts";
import { chooseManifest } from "./choose-manifest.ts";
import type { ImageFiles } from "./image-files.ts";
import { LayoutBlobs } from "./layout-blobs.ts";

/**
 * Opens an image of an OCI image layout. `tag` absent: its only image, or the one called `latest`. Content is verified as
 * it is read.
 *
 * @throws OrlopError
 */
export function openLayoutImage(files: ImageFiles, tag: string | undefined, platform: Platform): OpenedImage {
  const blobs = new LayoutBlobs(files);
  decodeImageLayout(blobs.readFile("oci-layout"));
  const chosen = chooseManifest(decodeIndex(blobs.readFile("index.json")), {
    tag,
    platform,
    read: (descriptor) => blobs.readDocument(descriptor),
  });
  const manifest = decodeManifest(blobs.readDocument(chosen));
  const config = decodeImageConfig(blobs.readDocument(manifest.config));
  const layers = manifest.layers.map((layer) => {
    const { digest, mediaType, size } = layer;
    return { name: digest, mediaType, sizeBytes: size, chunks: () => blobs.readBlob(layer) };
  });
  return openedImage(config, layers, platform);
}
