export { type ArchiveSinkOptions, createImageArchive } from "../archive/archive-sink.ts";
export { type ImageArchive, openImageArchive } from "../archive/open-image-archive.ts";
export type { ArchiveInput, ArchiveOptions } from "../archive/seekable-archive.ts";
export { FilesSource } from "../layout/files-source.ts";
export { createLayout, type LayoutSinkOptions } from "../layout/layout-sink.ts";
export { openLayout } from "../layout/open-layout.ts";
export { openDirectoryImage, openTarImage, type SingleLayerOptions } from "../single-layer/single-layer-source.ts";
export {
  type LiveDirectory,
  type ReadXattrs,
  type WalkOptions,
  walkDirectory,
} from "../single-layer/walk-directory.ts";
