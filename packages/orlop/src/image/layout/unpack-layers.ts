import { mkdirSync } from "node:fs";
import type { Descriptor, Digest } from "@orlop/core";
import { type LayoutBlobs, readLayer } from "@orlop/image";
import { LayerWriter } from "./layer-writer.ts";

export interface LayerOfImage {
  readonly layer: Descriptor;
  /** Of the uncompressed archive. */
  readonly diffId: Digest;
}

/**
 * Unpacks layers, the lowest first, into a new directory. Resolves to what got lost, in sentences.
 *
 * @throws OrlopError
 */
export async function unpackLayers(
  blobs: LayoutBlobs,
  layers: readonly LayerOfImage[],
  directory: string,
  options: { readonly keepOwners: boolean },
): Promise<readonly string[]> {
  mkdirSync(directory, { mode: 0o755 });
  using writer = new LayerWriter(directory, options);
  for (const { layer, diffId } of layers) {
    writer.beginLayer();
    for await (const entry of readLayer(blobs, layer, diffId)) await writer.write(entry);
  }
  writer.finish();
  return writer.losses.sentences();
}
