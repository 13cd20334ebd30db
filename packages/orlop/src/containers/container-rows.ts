import { readlinkSync } from "node:fs";
import { shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { goTime } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { humanSize } from "../format/human-size.ts";
import { labelMethod, labelsText } from "../format/labels-text.ts";
import { rowMaker, type Struct, type Value } from "../format/template/value.ts";
import type { ContainerSize } from "./container-size.ts";
import { networkNames } from "./network-names.ts";
import { portsText } from "./ports-text.ts";
import { statusText } from "./status-text.ts";

export const CONTAINER_HEADINGS = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  State: "STATE",
  Status: "STATUS",
  Ports: "PORTS",
  Names: "NAMES",
  Labels: "LABELS",
  LocalVolumes: "LOCAL VOLUMES",
  Mounts: "MOUNTS",
  Networks: "NETWORKS",
  Size: "SIZE",
  Pod: "POD ID",
  PodName: "PODNAME",
  Pid: "PID",
  ExitCode: "EXIT CODE",
  Restarts: "RESTARTS",
  CGROUPNS: "CGROUPNS",
  IPC: "IPC",
  MNT: "MNT",
  NET: "NET",
  PIDNS: "PIDNS",
  USERNS: "USERNS",
  UTS: "UTS",
  Platform: "PLATFORM",
} as const;

const COMMAND_LENGTH = 20;

interface RowOptions {
  readonly nowMs: number;
  /** Ids and commands in full. */
  readonly isWhole: boolean;
  /** Absent: it was not asked for, and is as docker has it then. */
  readonly size?: ContainerSize | undefined;
  /** Names of pods by their ids; absent: there is none. */
  readonly podNames?: ReadonlyMap<string, string> | undefined;
}

interface Listed extends RowOptions {
  readonly container: Container;
}

const DOCKERS: Readonly<Record<string, (listed: Listed) => Value>> = {
  ID: ({ container: { id }, isWhole }) => (isWhole ? id : shortId(id)),
  Image: ({ container: { image } }) => (image.text === "" ? "<no image>" : image.text),
  Command: ({ container: { config }, isWhole }) => {
    const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" ");
    return JSON.stringify(isWhole ? command : ellipsis(command));
  },
  CreatedAt: ({ container }) => goTime(container.createdAtMs),
  RunningFor: ({ container, nowMs }) => `${humanDuration(nowMs - container.createdAtMs)} ago`,
  State: ({ container: { state } }) => (state.status === "starting" ? "created" : state.status),
  Status: ({ container, nowMs }) => statusText(container, nowMs),
  Ports: ({ container }) => portsText(container),
  Names: ({ container }) => container.name,
  Labels: ({ container }) => labelsText(container.labels),
  LocalVolumes: ({ container }) => String(container.volumes.length),
  Mounts: ({ container }) => container.volumes.map((volume) => volume.name).join(","),
  Networks: ({ container }) => networkNames(container.network).join(","),
  Size: ({ size }) => (size === undefined ? "0B" : sizeText(size)),
  Platform: () => null,
};

/** Of this machine's kernel; none for one that does not run. */
function namespaceOf(type: string): (listed: Listed) => Value {
  return ({ container: { state } }) => (state.pid === undefined ? "" : namespaceNumber(state.pid, type));
}

/** Podman's, which docker's lists in JSON do not have. */
const PODMANS: Readonly<Record<string, (listed: Listed) => Value>> = {
  Pod: ({ container: { pod }, isWhole }) => (pod === undefined ? "" : isWhole ? pod.id : shortId(pod.id)),
  PodName: ({ container: { pod }, podNames }) => (pod === undefined ? "" : (podNames?.get(pod.id) ?? "")),
  Pid: ({ container: { state } }) => state.pid ?? 0,
  ExitCode: ({ container: { state } }) => state.exitCode,
  Restarts: ({ container: { state } }) => state.restartCount,
  CGROUPNS: namespaceOf("cgroup"),
  IPC: namespaceOf("ipc"),
  MNT: namespaceOf("mnt"),
  NET: namespaceOf("net"),
  PIDNS: namespaceOf("pid"),
  USERNS: namespaceOf("user"),
  UTS: namespaceOf("uts"),
};

const makeRow = rowMaker<Listed>(DOCKERS, PODMANS);

/** namespaces(7): what the link says, `net:[4026531840]`; empty where it cannot be read, or the process has gone. */
function namespaceNumber(pid: number, type: string): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${type}`))?.[0] ?? "";
  } catch {
    return "";
  }
}

/** The row of a container in a list, with docker's fields. */
export function containerRow(container: Container, options: RowOptions): Struct {
  return makeRow({ ...options, container }, labelMethod(container.labels));
}

const SIZE_DIGITS = 3;

function sizeText({ rwBytes, rootFsBytes }: ContainerSize): string {
  const written = humanSize(rwBytes, SIZE_DIGITS);
  return rootFsBytes === 0 ? written : `${written} (virtual ${humanSize(rootFsBytes, SIZE_DIGITS)})`;
}

function ellipsis(text: string): string {
  if (text.length <= COMMAND_LENGTH) return text;
  const characters = [...text];
  return characters.length <= COMMAND_LENGTH ? text : `${characters.slice(0, COMMAND_LENGTH - 1).join("")}…`;
}
