export { PLAIN_CHECKPOINT } from "./checkpoint/checkpoint-place.ts";
export { type ContainerDraft, Engine, type NewContainer } from "./engine.ts";
export type { EngineParts, RootStore } from "./engine-context.ts";
export { type Health, type HealthStatus, healthOf, type ProbeResult } from "./health/container-health.ts";
export { type HealthCheck, healthCheckOf } from "./health/health-check.ts";
export { type EngineStatus, isActive } from "./life/container-status.ts";
export type { EventOptions } from "./life/follow-events.ts";
export type { HeldRoot } from "./life/hold-root.ts";
export { sharedWith } from "./life/join-containers.ts";
export { randomName } from "./life/random-name.ts";
export type { RestartPolicy } from "./life/restart-policy.ts";
export type { StartedRun, StartOptions } from "./life/start-container.ts";
export type { ContainerChanges } from "./life/update-container.ts";
export type { HeldNamespaces, PodNamespaces } from "./pods/namespaces/pod-namespaces.ts";
export {
  POD_NAMESPACES,
  type Pod,
  type PodDescription,
  type PodNamespace,
  type PodState,
} from "./pods/pod-description.ts";
export { podDirectory, podFiles } from "./pods/pod-places.ts";
export { type PodStatus, podStatus } from "./pods/pod-status.ts";
export type { NewPod, PodDraft, Pods, PodWithMembers, RemovePodOptions } from "./pods/pods.ts";
export type { ContainerProbe, ContainerProbes, ProbeAction, ProbeHeader } from "./probes/container-probes.ts";
export type {
  ContainerDescription,
  ContainerLog,
  ContainerNames,
  ContainerNamespaces,
  ContainerNetwork,
  ContainerRoot,
  ContainerWishes,
  LogDetails,
  NetworkAttachment,
  PodMembership,
  SharedNamespace,
  SnapshotRoot,
  VolumeMount,
} from "./state/container-description.ts";
export type { Container, ContainerState } from "./state/container-rows.ts";
export type { EngineEvent } from "./state/event-rows.ts";
export type { Volume, VolumeOptions, Volumes } from "./volumes.ts";
