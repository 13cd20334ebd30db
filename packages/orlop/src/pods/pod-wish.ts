import type { HostsEntry, Labels, LinuxResources } from "@orlop/core";
import type { PodNamespace } from "@orlop/engine";
import type { NetworkChoice, NetworkOptions } from "../run/network-options.ts";

/** What somebody wants a new pod to be. */
export interface PodWish {
  /** Absent: one is made up. */
  readonly name: string | undefined;
  readonly labels: Labels;
  readonly share: readonly PodNamespace[];
  readonly network: Exclude<NetworkChoice, { kind: "container" | "pod" }>;
  /** Absent: the pod's name. */
  readonly hostname?: string;
  readonly addedHosts: readonly HostsEntry[];
  readonly dns: NetworkOptions["dns"];
  readonly exitPolicy: "continue" | "stop";
  readonly resources?: LinuxResources;
  readonly shmSizeBytes?: number;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly cgroupParent?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const SHARED_BY_DEFAULT: readonly PodNamespace[] = ["ipc", "net", "uts"];
