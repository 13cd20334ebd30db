export { type LayerPath, parseLayerPath, parseWhiteout, refusedEntry, type Whiteout } from "./layer/layer-path.ts";
export { readLayer } from "./layer/read-layer.ts";
export { chooseManifest, platformName } from "./layout/choose-manifest.ts";
export { LayoutBlobs } from "./layout/layout-blobs.ts";
export { readTar, type TarEntry } from "./tar/read-tar.ts";
