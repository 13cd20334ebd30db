import type { ErofsLayerFiles } from "@orlop/core";
import type { Architecture, Program } from "@orlop/kernel";
import { compileHolder } from "./holder-program.ts";
import { emitNewImage } from "./overlay-root.ts";

/** So high that no other process has a directory open there, should one get the number of a holder that was killed. */
export const HELD_FD_FIRST = 901;

/** A process that holds mounts of images which are attached nowhere, as descriptors from {@link HELD_FD_FIRST} on. */
export function compileHeldLayers(architecture: Architecture, layers: readonly ErofsLayerFiles[]): Program {
  const holding = {
    role: "held layers",
    name: "orlop-layers",
    action: "mount the images",
    why: "until nobody has used them for a while",
  };
  return compileHolder(architecture, holding, (p) => {
    const image = p.slot("image");
    for (const [index, layer] of layers.entries()) {
      emitNewImage({ p }, layer, image);
      p.call("dup3", [image, HELD_FD_FIRST + index, p.flags("O_CLOEXEC")]);
      p.call("close", [image]);
    }
  });
}
