import { shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { goTime } from "../format/go-time.ts";
import { humanDuration } from "../format/human-duration.ts";
import { labelMethod, labelsText } from "../format/labels-text.ts";
import { rowMaker, type Struct } from "../format/template/value.ts";
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

interface Listed extends RowOptions {
  readonly container: Container;
}

const makeRow = rowMaker<Listed>({
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
  Size: () => "0B",
  Platform: () => null,
});

/** The row of a container in a list, with docker's fields. */
export function containerRow(container: Container, { nowMs, isWhole }: RowOptions): Struct {
  return makeRow({ container, nowMs, isWhole }, labelMethod(container.labels));
}

function ellipsis(text: string): string {
  if (text.length <= COMMAND_LENGTH) return text;
  const characters = [...text];
  return characters.length <= COMMAND_LENGTH ? text : `${characters.slice(0, COMMAND_LENGTH - 1).join("")}…`;
}
