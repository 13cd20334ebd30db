import { existsSync } from "node:fs";
import { type Mount, OrlopError, type RuntimeSpec, shortId } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import type { Image } from "../image/image.ts";
import { buildSpec } from "./build-spec.ts";
import { containerConfig } from "./container-config.ts";
import { type ContainerUser, findUser } from "./container-user.ts";
import { hostDevices } from "./host-devices.ts";
import { parseSignal } from "./life-options.ts";
import type { MachineView } from "./machine-view.ts";
import { type ContainerNames, networkFiles, resolverFile } from "./network-files.ts";
import type { RunOptions } from "./run-options.ts";
import { runtimeName } from "./runtime-choice.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { windowSize } from "./window-size.ts";

interface PlanSources {
  readonly id: string;
  readonly image: Image;
  readonly machine: MachineView;
  /** A directory for the container's own files; made when there are any. */
  readonly ownDirectory: () => string;
}

/** What a command line of `run` comes to. */
interface ContainerPlan {
  readonly description: Omit<ContainerDescription, "id" | "name" | "createdAtMs">;
  /** The OCI config with some mounts of its root file system; the same for the same ones. */
  spec(rootMounts: readonly Mount[]): RuntimeSpec;
}

const SIGTERM = 15;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Looks up the user, writes files of the container's own and decides on everything but its id and name.
 *
 * @throws OrlopError
 */
export function planContainer(options: RunOptions, { id, image, machine, ownDirectory }: PlanSources): ContainerPlan {
  const hostname = options.hostname ?? (options.network === "host" ? machine.hostname : shortId(id));
  const files = containerFiles(options, image, { hostname, domainname: options.domainname }, ownDirectory);
  const user = findContainerUser(options, image);
  const allDevices = options.privileged ? { ...options, devices: [...hostDevices(), ...options.devices] } : options;
  const spec = (mounts: readonly Mount[]): RuntimeSpec =>
    buildSpec({
      options: allDevices,
      image: { ...image, mounts },
      user,
      machine,
      hostname,
      files,
      windowSize: options.tty ? windowSize() : undefined,
      seccomp: (capabilities) => seccompFilter(options, machine, capabilities),
    });
  const asked = new Set(options.mounts.map(({ mount }) => mount.destination));
  const { mounts = [], process } = spec([]);
  if (process === undefined) throw new Error("a container has a process");
  const mountPoints = mounts.map(({ destination }) => destination);
  return {
    spec,
    description: {
      image: { text: options.imageText, ...(image.id === undefined ? {} : { id: image.id }) },
      root: image.root,
      runtime: runtimeName(options.runtime),
      config: containerConfig(options, image.config),
      process,
      labels: { ...image.config.Labels, ...options.labels },
      mountPoints: mountPoints.filter((path) => !asked.has(path)),
      network: options.network,
      terminal: options.tty,
      interactive: options.interactive,
      init: options.init,
      autoRemove: options.autoRemove,
      restart: options.restart,
      stopSignal: options.stopSignal ?? imageStopSignal(image),
      stopTimeoutMs: options.stopTimeoutMs ?? STOP_TIMEOUT_MS,
      log: options.log ?? { driver: "file" },
      directories: missingSources(options),
    },
  };
}

function imageStopSignal({ config: { StopSignal } }: Image): number {
  return StopSignal === undefined || StopSignal === "" ? SIGTERM : parseSignal(StopSignal);
}

/** The machine's own root has the right files already, except for what lies in its /run. */
function containerFiles(
  { network }: RunOptions,
  { isHost }: Image,
  names: ContainerNames,
  ownDirectory: () => string,
): readonly Mount[] {
  if (!isHost) return networkFiles(ownDirectory(), names, network);
  return network === "host" ? resolverFile(ownDirectory) : [];
}

/** Host directories that are to be bound, do not exist yet and are made then. */
function missingSources({ mounts }: RunOptions): readonly string[] {
  return mounts.flatMap(({ mount: { source, type }, createSource }) => {
    if (type !== "bind" || source === undefined || existsSync(source)) return [];
    if (createSource) return [source];
    throw new OrlopError(
      "not-found",
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      { field: "mounts" },
    );
  });
}

/** passwd(5) and group(5) of an image are read up to here. */
const ACCOUNT_FILE_MAX_BYTES = 1024 * 1024;

function findContainerUser(options: RunOptions, image: Image): ContainerUser {
  const read = (path: string): string => image.readFile(path, ACCOUNT_FILE_MAX_BYTES)?.toString("utf8") ?? "";
  const files = { passwd: read("/etc/passwd"), group: read("/etc/group") };
  return findUser(options.user ?? image.config.User ?? "", files, options.groupsToAdd);
}
