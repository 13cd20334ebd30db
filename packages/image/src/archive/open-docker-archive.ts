import { decodeImageConfig, OrlopError, type Platform } from "@orlop/core";
import type { ImageFiles } from "../layout/image-files.ts";
import { DOCUMENT_MAX_BYTES, tooLarge } from "../layout/layout-blobs.ts";
import { type OpenedImage, openedImage } from "../opened-image.ts";
import { type ArchivedImage, readDockerManifest } from "./docker-manifest.ts";

/**
 * Opens an image of an archive that `docker save` wrote. `name` absent: its only one.
 *
 * @throws OrlopError
 */
export function openDockerArchive(files: ImageFiles, name: string | undefined, platform: Platform): OpenedImage {
  const image = choose(readDockerManifest(files), name, files.name);
  const config = decodeImageConfig(readDocument(files, image.config));
  const layers = image.layers.map((path) => {
    const sizeBytes = files.size(path);
    if (sizeBytes === undefined) throw missing(files, path);
    return { name: path, sizeBytes, chunks: () => files.chunks(path) };
  });
  return openedImage(config, layers, platform);
}

function readDocument(files: ImageFiles, path: string): Buffer {
  const size = files.size(path);
  if (size === undefined) throw missing(files, path);
  if (size > DOCUMENT_MAX_BYTES) throw tooLarge(path);
  return files.read(path);
}

function missing({ name }: ImageFiles, path: string): OrlopError {
  return new OrlopError("not-found", `Cannot use image archive "${name}": it has no ${path}`);
}

function choose(images: readonly ArchivedImage[], name: string | undefined, archive: string): ArchivedImage {
  const wanted = name === undefined ? undefined : familiar(name);
  const found = wanted === undefined ? images : images.filter(({ names }) => names.map(familiar).includes(wanted));
  const [image] = found;
  if (image !== undefined && found.length === 1) return image;
  const names = images.flatMap((each) => each.names);
  const known = names.length === 0 ? "its images have no names" : `its images are ${names.join(", ")}`;
  const what =
    wanted === undefined
      ? `Cannot choose an image of archive "${archive}": it has ${images.length}`
      : `Cannot find image "${name}" in archive "${archive}"`;
  throw new OrlopError("not-found", `${what}; ${known}\nTry docker-archive:PATH:NAME.`);
}

/** As docker shows a name: without its own registry, and with a tag. */
function familiar(name: string): string {
  const short = name.replace(/^(?:docker\.io|index\.docker\.io)\//, "").replace(/^library\//, "");
  return /:[^/]*$/.test(short) ? short : `${short}:latest`;
}
