import { constants } from "node:os";
import type { RuntimeSpec } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { ContainerSize } from "../containers/container-size.ts";
import { Dictionary, NIL_LIST, Struct, type StructField } from "../format/template/value.ts";
import { healthcheckDocument } from "../images/healthcheck-document.ts";
import { containerStateDocument } from "./container-state-document.ts";
import { dictionaryOf, documentOf } from "./document-of.ts";
import { hostConfigDocument } from "./host-config-document.ts";
import { askedMounts, mountDocument } from "./mount-document.ts";
import { networkSettingsDocument } from "./network-settings-document.ts";

/** What a container's document is made of. */
export interface InspectedContainer {
  readonly container: Container;
  /** Its OCI config; absent where no database knows it. */
  readonly spec: RuntimeSpec | undefined;
  /** File of its log; empty where none is kept. */
  readonly logPath: string;
  /** Absent: not asked for. */
  readonly size?: ContainerSize | undefined;
}

/** All there is to say about a container, in the form that docker's `container inspect` has it. */
export function containerDocument(inspected: InspectedContainer): Struct {
  const { container, spec, logPath } = inspected;
  const { id, name, image, root, createdAtMs, process, state } = container;
  const [path = "", ...args] = process.args ?? [];
  const driver = root.kind === "snapshot" ? root.snapshotter : root.kind;
  const own = (destination: string): string =>
    spec?.mounts?.find((mount) => mount.destination === destination && mount.type === "bind")?.source ?? "";
  return new Struct([
    { name: "ID", jsonName: "Id", value: id },
    ...documentOf({
      Created: new Date(createdAtMs).toISOString(),
      Path: path,
      Args: args,
      State: containerStateDocument(container),
      Image: image.id ?? "",
      ResolvConfPath: own("/etc/resolv.conf"),
      HostnamePath: own("/etc/hostname"),
      HostsPath: own("/etc/hosts"),
      LogPath: logPath,
      Name: `/${name}`,
      RestartCount: state.restartCount,
      Driver: driver,
      Platform: "linux",
      MountLabel: "",
      ProcessLabel: process.selinuxLabel ?? "",
      AppArmorProfile: process.apparmorProfile ?? "",
      ExecIDs: NIL_LIST,
      HostConfig: hostConfigDocument(inspected),
      GraphDriver: documentOf({ Data: new Dictionary(undefined, ""), Name: driver }),
    }).fields,
    ...sizeFields(inspected),
    ...documentOf({
      Mounts: askedMounts(inspected).map(mountDocument),
      Config: configDocument(inspected),
      NetworkSettings: networkSettingsDocument(inspected),
    }).fields,
  ]);
}

/** Docker's, where a size that was not asked for is no number. */
function sizeFields({ size }: InspectedContainer): readonly StructField[] {
  const isOmitted = size === undefined ? ({ omitEmpty: true } as const) : {};
  return [
    { name: "SizeRw", value: size?.rwBytes ?? null, ...isOmitted },
    { name: "SizeRootFs", value: size?.rootFsBytes ?? null, ...isOmitted },
  ];
}

function configDocument({ container, spec }: InspectedContainer): Struct {
  const attached = container.wishes?.attach ?? [];
  const { config, image, labels, terminal, interactive, stopSignal, process } = container;
  return new Struct([
    ...documentOf({
      Hostname: spec?.hostname ?? "",
      Domainname: spec?.domainname ?? "",
      User: config.User ?? "",
      AttachStdin: attached.includes("stdin"),
      AttachStdout: attached.includes("stdout"),
      AttachStderr: attached.includes("stderr"),
      Tty: terminal,
      OpenStdin: interactive,
      StdinOnce: interactive,
      Env: process.env ?? NIL_LIST,
      Cmd: config.Cmd ?? NIL_LIST,
    }).fields,
    { name: "Healthcheck", value: healthcheckDocument(config.Healthcheck), omitEmpty: true },
    ...documentOf({
      Image: image.text,
      Volumes: new Dictionary(undefined, new Struct([])),
      WorkingDir: config.WorkingDir ?? "",
      Entrypoint: config.Entrypoint ?? NIL_LIST,
      OnBuild: NIL_LIST,
      Labels: dictionaryOf(labels),
    }).fields,
    { name: "StopSignal", value: signalName(stopSignal), omitEmpty: true },
    { name: "StopTimeout", value: Math.ceil(container.stopTimeoutMs / 1000), omitEmpty: true },
    // Podman's.
    { name: "Timeout", value: (container.timeLimitMs ?? 0) / 1000, omitEmpty: true },
  ]);
}

/** Those of real time have no names here. */
function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? String(number);
}
