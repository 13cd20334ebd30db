import { existsSync } from "node:fs";
import { dirname } from "node:path";

/** The path, or the nearest directory above it that is there. */
export function existingAncestor(path: string): string {
  let place = path;
  while (!existsSync(place)) place = dirname(place);
  return place;
}
