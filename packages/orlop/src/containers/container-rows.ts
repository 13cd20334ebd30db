import { shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { goTime } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { labelMethod, labelsText } from "../format/labels-text.ts";
import { type Struct, structOf } from "../format/template/value.ts";
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
  Platform: "PLATFORM",
} as const;

const COMMAND_LENGTH = 20;

interface RowOptions {
  readonly nowMs: number;
  /** Ids and commands in full. */
  readonly isWhole: boolean;
}

/** The row of a container in a list, with docker's fields. */
export function containerRow(container: Container, { nowMs, isWhole }: RowOptions): Struct {
  const { id, name, image, config, createdAtMs, labels, state, network, volumes } = container;
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" ");
  const fields = {
    ID: isWhole ? id : shortId(id),
    Image: image.text === "" ? "<no image>" : image.text,
    Command: JSON.stringify(isWhole ? command : ellipsis(command)),
    CreatedAt: goTime(createdAtMs),
    RunningFor: `${humanDuration(nowMs - createdAtMs)} ago`,
    State: state.status === "starting" ? "created" : state.status,
    Status: statusText(container, nowMs),
    Ports: portsText(container),
    Names: name,
    Labels: labelsText(labels),
    LocalVolumes: String(volumes.length),
    Mounts: volumes.map((volume) => volume.name).join(","),
    Networks: networkNames(network).join(","),
    Size: "0B",
    Platform: null,
  };
  return structOf(fields, labelMethod(labels));
}

function ellipsis(text: string): string {
  const characters = [...text];
  return characters.length <= COMMAND_LENGTH ? text : `${characters.slice(0, COMMAND_LENGTH - 1).join("")}…`;
}
