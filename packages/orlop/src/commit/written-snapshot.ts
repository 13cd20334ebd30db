import { OrlopError } from "@orlop/core";
import type { ImageOrigin } from "../image/image.ts";
import type { FoundContainer } from "../run/find-container.ts";

const REASONS: Readonly<Record<FoundContainer["image"], string>> = {
  host: "its files are this machine's own, and what it writes is on no disk",
  directory: "its files are those of a directory, and not of an image",
  "oci-layout": "its image was opened for it alone",
  "oci-archive": "its image was opened for it alone",
  "docker-archive": "its image was opened for it alone",
  tar: "its image was opened for it alone",
  registry: "its image has no layers",
  packages: "its image has no layers",
};

/**
 * The snapshot that a container writes to.
 *
 * @param action completes `Cannot`: `commit`
 * @throws OrlopError `unsupported` for a container of anything but an image that is here
 */
export function writtenSnapshot(action: string, name: string, { image, origin }: FoundContainer): ImageOrigin {
  if (origin !== undefined) return origin;
  const way = "Try a container of an image of this machine (orlop pull, orlop load).";
  throw new OrlopError("unsupported", `Cannot ${action} container "${name}": ${REASONS[image]}\n${way}`);
}
