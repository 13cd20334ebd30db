// table: as much of Kubernetes' container runtime interface as a test needs (cri-api, runtime/v1/api.proto)
import { Codec } from "@orlop/core/protobuf";
import type { GrpcApi } from "@orlop/kernel/grpc";

const SCHEMA = {
  Empty: {},
  /** Modes are 0 for the pod's, 1 for the container's own, 2 for the host's. */
  NamespaceOption: { network: [1, "uint32"], pid: [2, "uint32"], ipc: [3, "uint32"] },
  SandboxSecurity: { namespaceOptions: [1, "NamespaceOption"] },
  LinuxSandbox: { cgroupParent: [1, "string"], securityContext: [2, "SandboxSecurity"] },
  SandboxMetadata: { name: [1, "string"], uid: [2, "string"], namespace: [3, "string"] },
  SandboxConfig: { metadata: [1, "SandboxMetadata"], logDirectory: [3, "string"], linux: [8, "LinuxSandbox"] },
  RunPodSandboxRequest: { config: [1, "SandboxConfig"], runtimeHandler: [2, "string"] },
  SandboxId: { podSandboxId: [1, "string"] },
  Image: { image: [1, "string"] },
  Resources: { cpuShares: [3, "int64"], memoryLimitInBytes: [4, "int64"] },
  ContainerSecurity: { namespaceOptions: [3, "NamespaceOption"] },
  LinuxContainer: { resources: [1, "Resources"], securityContext: [2, "ContainerSecurity"] },
  ContainerMetadata: { name: [1, "string"] },
  ContainerConfig: {
    metadata: [1, "ContainerMetadata"],
    image: [2, "Image"],
    command: [3, "string[]"],
    logPath: [11, "string"],
    linux: [15, "LinuxContainer"],
  },
  CreateContainerRequest: {
    podSandboxId: [1, "string"],
    config: [2, "ContainerConfig"],
    sandboxConfig: [3, "SandboxConfig"],
  },
  ContainerId: { containerId: [1, "string"] },
  StopContainerRequest: { containerId: [1, "string"], timeout: [2, "int64"] },
  ContainerStatus: { id: [1, "string"], state: [3, "uint32"], exitCode: [7, "int32"], reason: [10, "string"] },
  ContainerStatusResponse: { status: [1, "ContainerStatus"] },
  UpdateContainerResourcesRequest: { containerId: [1, "string"], linux: [2, "Resources"] },
  ExecSyncRequest: { containerId: [1, "string"], cmd: [2, "string[]"], timeout: [3, "int64"] },
  ExecSyncResponse: { stdout: [1, "bytes"], stderr: [2, "bytes"], exitCode: [3, "int32"] },
  UInt64: { value: [1, "uint64"] },
  MemoryUsage: { workingSetBytes: [2, "UInt64"] },
  ContainerStats: { memory: [3, "MemoryUsage"] },
  ContainerStatsResponse: { stats: [1, "ContainerStats"] },
} as const;

const METHODS = {
  RunPodSandbox: ["RunPodSandboxRequest", "SandboxId"],
  StopPodSandbox: ["SandboxId", "Empty"],
  RemovePodSandbox: ["SandboxId", "Empty"],
  CreateContainer: ["CreateContainerRequest", "ContainerId"],
  StartContainer: ["ContainerId", "Empty"],
  StopContainer: ["StopContainerRequest", "Empty"],
  RemoveContainer: ["ContainerId", "Empty"],
  ContainerStatus: ["ContainerId", "ContainerStatusResponse"],
  UpdateContainerResources: ["UpdateContainerResourcesRequest", "Empty"],
  ExecSync: ["ExecSyncRequest", "ExecSyncResponse"],
  ContainerStats: ["ContainerId", "ContainerStatsResponse"],
} as const;

export const CRI_API: GrpcApi<typeof SCHEMA, typeof METHODS> = {
  service: "runtime.v1.RuntimeService",
  codec: new Codec(SCHEMA),
  methods: METHODS,
};

/** NamespaceMode. */
export const NAMESPACE_OF = { pod: 0, container: 1, node: 2 } as const;

/** ContainerState. */
export const CRI_STATE = { created: 0, running: 1, exited: 2 } as const;
