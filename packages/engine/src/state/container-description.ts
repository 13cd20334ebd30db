import type {
  Descriptor,
  Digest,
  EgressPolicy,
  HostsEntry,
  ImageExecutionConfig,
  Labels,
  Process,
  PublishedPort,
} from "@orlop/core";
import type { RestartPolicy } from "../life/restart-policy.ts";
import type { ContainerProbes } from "../probes/container-probes.ts";

/** Where a container's root file system is, from one start to the next. */
export type ContainerRoot =
  /** This machine's own files; what is written to them is gone when the container ends. */
  | { readonly kind: "host" }
  | { readonly kind: "directory"; readonly path: string; readonly writable: boolean }
  | SnapshotRoot;

/** A snapshot on an image's layers, which takes what is written and stays until the container is removed. */
export interface SnapshotRoot {
  readonly kind: "snapshot";
  /** Directory of the images. */
  readonly store: string;
  readonly snapshotter: string;
  readonly key: string;
  /** The image's, in that store. */
  readonly manifest: Descriptor;
}

/** What a container's network namespace is, or is connected with. */
export type ContainerNetwork =
  | { readonly kind: "none" | "host" }
  /** That of another container, which has to run when this one is started. */
  | { readonly kind: "container"; readonly id: string }
  /** That of the pod that it belongs to. */
  | { readonly kind: "pod"; readonly id: string }
  | {
      readonly kind: "networks";
      /** The first one has the published ports. */
      readonly attachments: readonly NetworkAttachment[];
      readonly ports: readonly PublishedPort[];
      /** On all of them; absent: `all`. */
      readonly egress?: EgressPolicy;
    };

/** What a container is in a pod. */
export interface PodMembership {
  readonly id: string;
  /** It only prepares for the others: it runs to its end before they are started. */
  readonly init?: true;
}

/** Another container, by its id. */
export interface SharedNamespace {
  readonly container: string;
}

/** Namespaces that a container shares with this machine or with another container, which has to run when it is started. */
export interface ContainerNamespaces {
  readonly pid?: "host" | SharedNamespace;
  /** `shareable`: others may share it, with what is in /dev/shm. `none`: it has no /dev/shm. */
  readonly ipc?: "host" | "shareable" | "none" | SharedNamespace;
  readonly uts?: "host";
  readonly cgroup?: "host";
  /** Somebody has said so; a container has no other. */
  readonly user?: "host";
}

/** What is asked of one network. */
export interface NetworkAttachment {
  /** Name or id. */
  readonly network: string;
  /** Further names for the others on it. */
  readonly aliases: readonly string[];
  readonly addresses?: readonly string[];
  readonly hardwareAddress?: string;
}

/** What a container knows of names: its own, and whom it asks for others. */
export interface ContainerNames {
  readonly hostname: string;
  readonly domainname?: string;
  readonly hosts: readonly HostsEntry[];
  /** Absent: the network's. */
  readonly servers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** A volume that is mounted in a container. */
export interface VolumeMount {
  readonly name: string;
  readonly destination: string;
  /** It was made for this container, without a name of anybody's, and goes with it when that is asked for. */
  readonly isAnonymous: boolean;
}

/** What is told with each line of a container's output to who asks for it, in docker's terms. */
export interface LogDetails {
  /** Its labels of these names. */
  readonly labels?: readonly string[];
  /** A pattern of names of labels, as of JavaScript. */
  readonly labelsRegex?: string;
  /** Its variables of these names. */
  readonly env?: readonly string[];
  readonly envRegex?: string;
  /** A template of Go's over what it is. */
  readonly tag?: string;
}

/** What becomes of a container's output. */
export type ContainerLog =
  | {
      readonly driver: "file";
      readonly maxSizeBytes?: number;
      readonly maxFiles?: number;
      readonly details?: LogDetails;
    }
  /** It goes nowhere. */
  | { readonly driver: "none" }
  /** It is the caller's who runs it, and nobody else's. */
  | { readonly driver: "passthrough" };

/** What somebody has asked for in words that the OCI config does not have. */
export interface ContainerWishes {
  /** Streams that who runs it is to be connected with; absent: as it comes. */
  readonly attach?: readonly ("stdin" | "stdout" | "stderr")[];
  /** Containers whose mounts it has as well: `NAME[:ro|rw]`. */
  readonly volumesFrom?: readonly string[];
  /** Paths of the block devices that limits are about, by `MAJOR:MINOR`. */
  readonly blockDevices?: Readonly<Record<string, string>>;
  readonly devices?: readonly { readonly host: string; readonly path: string; readonly access: string }[];
  /** Of device cgroups. */
  readonly deviceRules?: readonly string[];
  readonly cgroupParent?: string;
}

/** What a container is, apart from its OCI config; decided when it is made. */
export interface ContainerDescription {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly image: {
    /** As the user named it. */
    readonly text: string;
    /** Digest of the image's config, where it has one. */
    readonly id?: Digest;
  };
  readonly root: ContainerRoot;
  /** Name of the runtime that makes it. */
  readonly runtime: string;
  /** What its image would have to say to start the same. */
  readonly config: Pick<
    ImageExecutionConfig,
    "User" | "Env" | "Entrypoint" | "Cmd" | "WorkingDir" | "Healthcheck" | "Shell"
  >;
  /** Its first one, which execs take after. */
  readonly process: Process;
  readonly labels: Labels;
  /** Absolute paths of what is mounted in it and was not asked for. */
  readonly mountPoints: readonly string[];
  readonly volumes: readonly VolumeMount[];
  readonly network: ContainerNetwork;
  /** Absent: all others are its own. */
  readonly namespaces?: ContainerNamespaces;
  /** The pod that it belongs to. */
  readonly pod?: PodMembership;
  readonly names: ContainerNames;
  readonly terminal: boolean;
  /** Standard input is kept open, for whoever attaches. */
  readonly interactive: boolean;
  /** A small init is process 1. */
  readonly init: boolean;
  readonly autoRemove: boolean;
  readonly wishes?: ContainerWishes;
  /** What has made it, and where: flags of `run`, and the words behind them. */
  readonly commandLine?: {
    readonly flags: readonly string[];
    readonly words: readonly string[];
    readonly directory: string;
  };
  /** Ids of containers that are started before it, and not removed before it. */
  readonly requires?: readonly string[];
  /** Kubernetes' probes, instead of what its config says about health. */
  readonly probes?: ContainerProbes;
  readonly restart: RestartPolicy;
  /** Number of the signal that asks it to stop. */
  readonly stopSignal: number;
  /** So long a stop waits before it kills. */
  readonly stopTimeoutMs: number;
  /** So long it may run from a start on; then it is killed. Absent: for ever. */
  readonly timeLimitMs?: number;
  readonly log: ContainerLog;
  /** Host directories that are made before a start, to be bound. */
  readonly directories: readonly string[];
}
