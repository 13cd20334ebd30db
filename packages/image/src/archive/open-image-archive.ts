import { OrlopError } from "@orlop/core";
import { FilesSource } from "../layout/files-source.ts";
import { INDEX_FILE, LAYOUT_FILE, layoutContents } from "../layout/open-layout.ts";
import { ArchiveFile } from "./archive-file.ts";
import { dockerContents } from "./docker-contents.ts";
import { DOCKER_MANIFEST_FILE } from "./docker-manifest.ts";
import { type ArchiveInput, type ArchiveOptions, seekableArchive } from "./seekable-archive.ts";

/** Images of an archive. */
export class ImageArchive extends FilesSource {
  /** What containers' tools call its form. */
  readonly transport: "oci-archive" | "docker-archive";

  constructor(transport: ImageArchive["transport"], ...source: ConstructorParameters<typeof FilesSource>) {
    super(...source);
    this.transport = transport;
  }
}

/**
 * A tar archive as a source of images: an OCI image layout, what `docker save` writes today, which is that and more, or what
 * it wrote earlier. The archive may be compressed as a whole, and may come from a pipe.
 *
 * @throws OrlopError
 */
export async function openImageArchive(input: ArchiveInput, options: ArchiveOptions = {}): Promise<ImageArchive> {
  const name = options.name ?? (typeof input === "string" ? input : "standard input");
  const archive = await ArchiveFile.of(await seekableArchive(input, { ...options, name }), name);
  try {
    if (archive.size(LAYOUT_FILE) !== undefined && archive.size(INDEX_FILE) !== undefined) {
      return new ImageArchive("oci-archive", name, archive, layoutContents(archive));
    }
    if (archive.size(DOCKER_MANIFEST_FILE) !== undefined) {
      return new ImageArchive("docker-archive", name, archive, await dockerContents(archive, options.signal));
    }
    const what = `it has no ${LAYOUT_FILE} and ${INDEX_FILE} of an image layout, and no ${DOCKER_MANIFEST_FILE} of docker`;
    throw new OrlopError("invalid", `Cannot use image archive "${name}": ${what}`);
  } catch (error) {
    archive[Symbol.dispose]();
    throw error;
  }
}
