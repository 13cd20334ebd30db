export { erofsObstacle } from "./erofs/erofs-support.ts";
export { writeErofs } from "./erofs/write-erofs.ts";
export type { SnapshotChange } from "./layer/layer-changes.ts";
export { snapshotLosses } from "./layer/layer-losses.ts";
export { LayeredFiles } from "./layer/layered-files.ts";
export { rootFilesystem } from "./mounts/root-filesystem.ts";
export { type OpenSnapshotterOptions, openSnapshotter } from "./open-snapshotter.ts";
export type { StoredSnapshotter } from "./store/stored-snapshotter.ts";
export { XattrReader } from "./system/xattr-reader.ts";
