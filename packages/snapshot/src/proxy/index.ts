export { ProxySnapshotter, type ProxySnapshotterOptions } from "./proxy-snapshotter.ts";
export { type ServeSnapshotterOptions, serveSnapshotter } from "./serve-snapshotter.ts";
