import { OrlopError } from "@orlop/core";
import { buildImage } from "./build-image.ts";
import { findImage, type MachineImage } from "./image-cache.ts";
import { imageName, imageRecipe } from "./image-recipe.ts";
import { machineObstacle } from "./run-in-machine.ts";

/** The image of this checkout's recipe, built when it is not there yet. */
export async function machineImage(root: string): Promise<MachineImage> {
  const obstacle = machineObstacle();
  if (obstacle !== undefined) throw new OrlopError("unsupported", `Cannot start the test machine: it ${obstacle}`);
  const recipe = imageRecipe(root);
  const name = imageName(recipe);
  const found = findImage(name);
  if (found !== undefined) return found;
  console.error(`Building the test machine's image (${name}): a minute or two, once`);
  return await buildImage(recipe, name);
}
