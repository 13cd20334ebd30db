import { mkdirSync } from "node:fs";
import { readLayer, type StoredLayer } from "@orlop/image";
import { LayerWriter } from "./layer-writer.ts";

/**
 * Unpacks layers, the lowest first, into a new directory. Resolves to what got lost, in sentences.
 *
 * @throws OrlopError
 */
export async function unpackLayers(
  layers: readonly StoredLayer[],
  directory: string,
  options: { readonly keepOwners: boolean },
): Promise<readonly string[]> {
  mkdirSync(directory, { mode: 0o755 });
  using writer = new LayerWriter(directory, options);
  for (const layer of layers) {
    writer.beginLayer();
    for await (const entry of readLayer(layer)) await writer.write(entry);
  }
  writer.finish();
  return writer.losses.sentences();
}
