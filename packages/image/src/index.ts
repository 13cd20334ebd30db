export { ArchiveFile } from "./archive/archive-file.ts";
export { openDockerArchive } from "./archive/open-docker-archive.ts";
export { type LayerPath, parseLayerPath, parseWhiteout, refusedEntry, type Whiteout } from "./layer/layer-path.ts";
export { compressionOf, readLayer, type StoredLayer, uncompressed } from "./layer/read-layer.ts";
export { DirectoryFiles, type ImageFiles } from "./layout/image-files.ts";
export { openLayoutImage } from "./layout/open-layout-image.ts";
export type { OpenedImage } from "./opened-image.ts";
export { readTar } from "./tar/read-tar.ts";
export { type TarEntry, writeTar } from "./tar/write-tar.ts";
