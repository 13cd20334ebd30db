export { type OpenProxyOptions, openProxy } from "../recorded/open-proxy.ts";
export type { RecordedSnapshotter } from "../recorded/recorded-snapshotter.ts";
export { ProxySnapshotter, type ProxySnapshotterOptions } from "./proxy-snapshotter.ts";
export { type ServeSnapshotterOptions, serveSnapshotter } from "./serve-snapshotter.ts";
