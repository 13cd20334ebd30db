// table: the snapshots service (containerd, api/services/snapshots/v1/snapshots.proto and api/types/mount.proto)
import { Codec, type Encodable } from "@orlop/core/protobuf";
import type { GrpcApi, GrpcHandlers } from "@orlop/kernel/grpc";

const SCHEMA = {
  Empty: {},
  Timestamp: { seconds: [1, "int64"], nanos: [2, "int32"] },
  FieldMask: { paths: [1, "string[]"] },
  Mount: { type: [1, "string"], source: [2, "string"], target: [3, "string"], options: [4, "string[]"] },
  Info: {
    name: [1, "string"],
    parent: [2, "string"],
    kind: [3, "int32"],
    createdAt: [4, "Timestamp"],
    updatedAt: [5, "Timestamp"],
    labels: [6, "map"],
  },
  PrepareSnapshotRequest: { snapshotter: [1, "string"], key: [2, "string"], parent: [3, "string"], labels: [4, "map"] },
  PrepareSnapshotResponse: { mounts: [1, "Mount[]"] },
  ViewSnapshotRequest: { snapshotter: [1, "string"], key: [2, "string"], parent: [3, "string"], labels: [4, "map"] },
  ViewSnapshotResponse: { mounts: [1, "Mount[]"] },
  MountsRequest: { snapshotter: [1, "string"], key: [2, "string"] },
  MountsResponse: { mounts: [1, "Mount[]"] },
  CommitSnapshotRequest: {
    snapshotter: [1, "string"],
    name: [2, "string"],
    key: [3, "string"],
    labels: [4, "map"],
    /** Of newer ones only, for snapshotters that put layers on others when they are committed. */
    parent: [5, "string"],
  },
  RemoveSnapshotRequest: { snapshotter: [1, "string"], key: [2, "string"] },
  StatSnapshotRequest: { snapshotter: [1, "string"], key: [2, "string"] },
  StatSnapshotResponse: { info: [1, "Info"] },
  UpdateSnapshotRequest: { snapshotter: [1, "string"], info: [2, "Info"], updateMask: [3, "FieldMask"] },
  UpdateSnapshotResponse: { info: [1, "Info"] },
  ListSnapshotsRequest: { snapshotter: [1, "string"], filters: [2, "string[]"] },
  ListSnapshotsResponse: { info: [1, "Info[]"] },
  UsageRequest: { snapshotter: [1, "string"], key: [2, "string"] },
  UsageResponse: { size: [1, "int64"], inodes: [2, "int64"] },
  CleanupRequest: { snapshotter: [1, "string"] },
} as const;

const METHODS = {
  Prepare: ["PrepareSnapshotRequest", "PrepareSnapshotResponse"],
  View: ["ViewSnapshotRequest", "ViewSnapshotResponse"],
  Mounts: ["MountsRequest", "MountsResponse"],
  Commit: ["CommitSnapshotRequest", "Empty"],
  Remove: ["RemoveSnapshotRequest", "Empty"],
  Stat: ["StatSnapshotRequest", "StatSnapshotResponse"],
  Update: ["UpdateSnapshotRequest", "UpdateSnapshotResponse"],
  List: ["ListSnapshotsRequest", "ListSnapshotsResponse", "stream"],
  Usage: ["UsageRequest", "UsageResponse"],
  Cleanup: ["CleanupRequest", "Empty"],
} as const;

export type SnapshotsSchema = typeof SCHEMA;
export type SnapshotsHandlers = GrpcHandlers<SnapshotsSchema, typeof METHODS>;
/** Some of the snapshots of a list. */
export type ListPart = Encodable<SnapshotsSchema, "ListSnapshotsResponse">;

export const SNAPSHOTS_API: GrpcApi<SnapshotsSchema, typeof METHODS> = {
  service: "containerd.services.snapshots.v1.Snapshots",
  codec: new Codec(SCHEMA),
  methods: METHODS,
};
