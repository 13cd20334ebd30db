import { type Manifest, MEDIA_TYPE_DOCKER_IMAGE_CONFIG, MEDIA_TYPE_IMAGE_CONFIG } from "@orlop/core";

/** Its layers are layers of a file system, not any other artifact. */
export function isRunnable({ config }: Manifest): boolean {
  return config.mediaType === MEDIA_TYPE_IMAGE_CONFIG || config.mediaType === MEDIA_TYPE_DOCKER_IMAGE_CONFIG;
}
