import { join } from "node:path";
import { type Digest, decodeImageLayout, decodeIndex, digestAlgorithm, digestEncoded } from "@orlop/core";
import { FilesSource } from "./files-source.ts";
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
  return layoutSource(`oci:${directory}`, new DirectoryFiles(directory));
}

/** The same in any files. */
export function layoutSource(name: string, files: ImageFiles): FilesSource {
  decodeImageLayout(readImageFile(files, LAYOUT_FILE));
  const { manifests } = decodeIndex(readImageFile(files, INDEX_FILE));
  return new FilesSource(name, files, { ...namedTargets(manifests), path: blobPath });
}
