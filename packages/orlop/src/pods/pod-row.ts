import { shortId } from "@orlop/core";
import { type Container, type PodWithMembers, podStatus } from "@orlop/engine";
import { networkNames } from "../containers/network-names.ts";
import { goTime } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { Dictionary, Struct, type Value } from "../format/template/value.ts";
import { documentOf } from "../inspect/document-of.ts";

export const POD_HEADINGS = {
  Id: "POD ID",
  ID: "POD ID",
  Name: "NAME",
  Status: "STATUS",
  Created: "CREATED",
  CreatedAt: "CREATED AT",
  InfraId: "INFRA ID",
  InfraID: "INFRA ID",
  NumberOfContainers: "# OF CONTAINERS",
  ContainerIds: "IDS",
  ContainerNames: "NAMES",
  ContainerStatuses: "STATUS",
  Cgroup: "CGROUP",
  Networks: "NETWORKS",
  Labels: "LABELS",
  Restarts: "RESTARTS",
} as const;

interface RowOptions {
  readonly nowMs: number;
  /** Ids in full. */
  readonly isWhole: boolean;
}

/** The row of a pod in a list, with podman's fields. */
export function podRow({ pod, members }: PodWithMembers, { nowMs, isWhole }: RowOptions): Struct {
  const id = (text: string): string => (isWhole ? text : shortId(text));
  const each = (of: (member: Container) => string): string => members.map(of).join(",");
  const text = (name: string, value: Value): { name: string; value: Value } => ({ name, value });
  return new Struct([
    text("Id", id(pod.id)),
    text("ID", id(pod.id)),
    text("Name", pod.name),
    text("Status", podStatus(pod, members.filter(isMain))),
    text("Created", `${humanDuration(nowMs - pod.createdAtMs)} ago`),
    text("CreatedAt", goTime(pod.createdAtMs)),
    text("InfraId", ""),
    text("InfraID", ""),
    text("NumberOfContainers", members.length),
    text(
      "ContainerIds",
      each((member) => id(member.id)),
    ),
    text(
      "ContainerNames",
      each(({ name }) => name),
    ),
    text(
      "ContainerStatuses",
      each(({ state }) => state.status),
    ),
    text("Cgroup", pod.cgroupParent ?? "orlop"),
    text("Networks", networkNames(pod.network).join(",")),
    text("Labels", labelsText(pod.labels)),
    text(
      "Restarts",
      members.reduce((sum, { state }) => sum + state.restartCount, 0),
    ),
  ]);
}

/** A pod in a list that a program reads, as podman has it. */
export function podListDocument({ pod, members }: PodWithMembers): Struct {
  return documentOf({
    Cgroup: pod.cgroupParent ?? "orlop",
    Containers: members.map(({ id, name, state }) =>
      documentOf({ Id: id, Names: name, Status: state.status, RestartCount: state.restartCount }),
    ),
    Created: new Date(pod.createdAtMs).toISOString(),
    Id: pod.id,
    InfraId: "",
    Name: pod.name,
    Namespace: "",
    Networks: pod.network.kind === "networks" ? networkNames(pod.network) : [],
    Status: podStatus(pod, members.filter(isMain)),
    Labels: new Dictionary(Object.entries(pod.labels), ""),
  });
}

/** It does not only prepare for the others. */
export function isMain({ pod }: Container): boolean {
  return pod?.init !== true;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
