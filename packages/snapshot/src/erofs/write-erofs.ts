import type { LayerEntry } from "@orlop/core";
import type { LowerLayer } from "../layer/lower-layer.ts";
import { ErofsLayerWriter } from "./erofs-layer-writer.ts";

/**
 * Writes a layer as an EROFS image into a new file; `below` are the layers below, the uppermost first, where they
 * matter. Leaves nothing when it rejects.
 *
 * @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says
 */
export async function writeErofs(
  path: string,
  entries: AsyncIterable<LayerEntry>,
  below?: readonly LowerLayer[],
): Promise<void> {
  using writer = new ErofsLayerWriter(path, { below });
  try {
    await writer.add(entries);
    writer.finish(below);
  } catch (error) {
    writer.remove();
    throw error;
  }
}
