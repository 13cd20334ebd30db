import type { Endpoint, Labels, LinuxResources } from "@orlop/core";
import type { ContainerNames, ContainerNetwork } from "../state/container-description.ts";

/** What the containers of a pod can share, by the names that podman has for them. */
export const POD_NAMESPACES = ["net", "ipc", "uts", "pid"] as const;
export type PodNamespace = (typeof POD_NAMESPACES)[number];

/** What a pod is; decided when it is made. */
export interface PodDescription {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly share: readonly PodNamespace[];
  /** Of the pod, where `net` is shared; otherwise `none`, and each container has what it asks for. */
  readonly network: Exclude<ContainerNetwork, { kind: "container" | "pod" }>;
  readonly names: ContainerNames;
  /** `stop`: when all its containers have ended, what they share goes, too. */
  readonly exitPolicy: "continue" | "stop";
  /** Limits of all its containers together. */
  readonly resources?: LinuxResources;
  /** Of /dev/shm, which is shared with `ipc`. */
  readonly shmSizeBytes: number;
  /** Kernel parameters of the shared namespaces. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** Path below which its cgroup is. */
  readonly cgroupParent?: string;
  /** Whatever whoever made it wants back later: the document that it came from. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Its own life; what its containers do is theirs. */
export type PodPhase =
  /** Nothing is shared yet. */
  | "created"
  /** Somebody is making what is to be shared. */
  | "starting"
  /** What is shared is there. */
  | "running"
  /** It is there no more. */
  | "exited"
  /** Somebody removes it, or was killed over it. */
  | "removing";

/** What has become of a pod so far. */
export interface PodState {
  readonly phase: PodPhase;
  readonly startedAtMs: number | undefined;
  /** What it has of networks. */
  readonly endpoints: readonly Endpoint[];
}

/** A pod as the engine knows it. */
export interface Pod extends PodDescription {
  readonly state: PodState;
}
