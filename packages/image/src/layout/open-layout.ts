import { join } from "node:path";
import { type Digest, decodeImageLayout, decodeIndex, digestAlgorithm, digestEncoded } from "@orlop/core";
import { type FilesContents, FilesSource } from "./files-source.ts";
import { DirectoryFiles, type ImageFiles, readImageFile } from "./image-files.ts";
import { namedTargets } from "./named-targets.ts";

export const LAYOUT_FILE = "oci-layout";
export const INDEX_FILE = "index.json";
/** What stands in the former. */
export const LAYOUT_TEXT = `{"imageLayoutVersion":"1.0.0"}`;

/** Where a layout has a blob (image-layout.md, "Blobs"). */
export function blobPath(digest: Digest): string {
  return join("blobs", digestAlgorithm(digest), digestEncoded(digest));
}

/**
 * An OCI image layout in a directory as a source of images.
 *
 * @throws OrlopError
 */
export function openLayout(directory: string): FilesSource {
  const files = new DirectoryFiles(directory);
  return new FilesSource(`oci:${directory}`, files, layoutContents(files));
}

/** What a layout in any files holds. */
export function layoutContents(files: ImageFiles): FilesContents {
  decodeImageLayout(readImageFile(files, LAYOUT_FILE));
  const { manifests } = decodeIndex(readImageFile(files, INDEX_FILE));
  return { ...namedTargets(manifests), path: blobPath };
}
