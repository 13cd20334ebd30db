export { type ErrorCode, type NetworkInfo, OrlopError, type PublishedPort } from "@orlop/core";
export type { EngineEvent, EngineStatus, Volume } from "@orlop/engine";
export { commandLine } from "./command-line.ts";
export type { OutputChunk } from "./sdk/chunk-queue.ts";
export type { CollectedCommand } from "./sdk/collect-command.ts";
export type { CommandValue } from "./sdk/command-template.ts";
export type { ContainerInfo } from "./sdk/engine/container-info.ts";
export type { ContainerNamespaces, ContainerOptions, VolumeRequest } from "./sdk/engine/container-options.ts";
export { Engine, type EngineEventOptions } from "./sdk/engine/engine.ts";
export type {
  EngineContainers,
  LogChunk,
  LogChunkOptions,
  RemoveContainerOptions,
  StopContainerOptions,
} from "./sdk/engine/engine-containers.ts";
export type { EngineImages, ImageInfo } from "./sdk/engine/engine-images.ts";
export type { EngineNetworks, NetworkOptions } from "./sdk/engine/engine-networks.ts";
export type { EngineVolumes } from "./sdk/engine/engine-volumes.ts";
export type { SandboxEntry, SandboxFileKind, SandboxFileStat } from "./sdk/file-stat.ts";
export type { SandboxNetwork } from "./sdk/network/sandbox-network.ts";
export type { ExposedPort, ExposeOptions } from "./sdk/ports/exposed-port.ts";
export { Sandbox } from "./sdk/sandbox.ts";
export type { FileChange, ReadOptions, RemoveOptions, SandboxFiles, WriteOptions } from "./sdk/sandbox-files.ts";
export type {
  CommandOptions,
  ForkOptions,
  Isolation,
  IsolationRequest,
  NetworkRequest,
  SandboxImage,
  SandboxMount,
  SandboxOptions,
  SandboxSecret,
} from "./sdk/sandbox-options.ts";
export type { CommandEnd, SandboxProcess } from "./sdk/sandbox-process.ts";
export type { SandboxGroup } from "./sdk/snapshot/sandbox-group.ts";
export type { SandboxSnapshot } from "./sdk/snapshot/sandbox-snapshot.ts";
