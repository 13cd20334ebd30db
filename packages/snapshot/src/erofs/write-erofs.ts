import type { LayerEntries } from "@orlop/core";
import { type ErofsLayerOptions, ErofsLayerWriter } from "./erofs-layer-writer.ts";

/**
 * Writes a layer as an EROFS image into a new file. Leaves nothing when it rejects.
 *
 * @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says
 */
export async function writeErofs(
  path: string,
  entries: LayerEntries,
  options: Omit<ErofsLayerOptions, "durable"> = {},
): Promise<void> {
  using writer = new ErofsLayerWriter(path, options);
  try {
    await writer.add(entries);
    writer.finish(options.below);
  } catch (error) {
    writer.remove();
    throw error;
  }
}
