import { existsSync } from "node:fs";
import { type Mount, OrlopError, type PublishedPort, type RuntimeSpec, shortId } from "@orlop/core";
import type {
  ContainerDescription,
  ContainerNames,
  ContainerNetwork,
  PodMembership,
  SharedNamespace,
  VolumeMount,
} from "@orlop/engine";
import { HOST_GATEWAY } from "@orlop/engine/name-files";
import type { Image } from "../image/image.ts";
import type { PodPlace } from "../pods/join-pod-options.ts";
import { buildSpec } from "./build-spec.ts";
import { containerConfig } from "./container-config.ts";
import { type ContainerUser, findUser } from "./container-user.ts";
import { hostDevices } from "./host-devices.ts";
import { kernelLimits } from "./kernel-limits.ts";
import { parseSignal } from "./life-options.ts";
import type { MachineView } from "./machine-view.ts";
import type { OfContainer } from "./namespace-options.ts";
import { networkFiles, podFileMounts, resolverFile, resolverPath } from "./network-files.ts";
import { parseExposedPort } from "./port-flag.ts";
import { refuseHostPids } from "./refuse-host-pids.ts";
import type { RunOptions } from "./run-options.ts";
import { runtimeName } from "./runtime-choice.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { timeZoneFile } from "./time-zone.ts";
import { windowSize } from "./window-size.ts";

interface PlanSources {
  readonly id: string;
  readonly image: Image;
  readonly machine: MachineView;
  /** A directory for the container's own files; made when there are any. */
  readonly ownDirectory: () => string;
  /** Id of a container by its name; absent: others are not known here. */
  readonly findOther?: ((text: string) => string) | undefined;
  readonly volumes?: readonly VolumeMount[];
  /** Ids of those that it requires. */
  readonly requires?: readonly string[];
}

/** What a command line of `run` comes to. */
interface ContainerPlan {
  readonly description: Omit<ContainerDescription, "id" | "name" | "createdAtMs">;
  /** The OCI config with some mounts of its root file system; the same for the same ones. */
  spec(rootMounts: readonly Mount[]): RuntimeSpec;
  /** What the user should know. */
  readonly warnings: readonly string[];
}

const SIGTERM = 15;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Looks up the user, writes files of the container's own and decides on everything but its id and name.
 *
 * @throws OrlopError
 */
export function planContainer(
  options: RunOptions,
  { id, image, machine, ownDirectory, findOther, volumes = [], requires = [] }: PlanSources,
): ContainerPlan {
  const hostname = options.hostname ?? (hasHostName(options) ? machine.hostname : shortId(id));
  const { domainname, addedHosts, dns } = options;
  const names = { hostname, hosts: addedHosts, ...dns, ...(domainname === undefined ? {} : { domainname }) };
  refuseGateway(options, machine);
  if (machine.rootless && options.namespaces?.pid === "host") refuseHostPids(id);
  const files = containerFiles(options, image, names, ownDirectory);
  const zone = options.timeZone === undefined ? [] : [timeZoneFile(ownDirectory(), options.timeZone)];
  const user = findContainerUser(options, image);
  const { limits, warnings } = kernelLimits(options.limits);
  const allDevices = options.privileged ? { ...options, devices: [...hostDevices(), ...options.devices] } : options;
  const spec = (mounts: readonly Mount[]): RuntimeSpec =>
    buildSpec({
      id,
      options: { ...allDevices, limits },
      image: { ...image, mounts },
      user,
      machine,
      hostname,
      files: [...files.filter(({ destination }) => !isImageFile(options, destination)), ...zone],
      windowSize: options.tty ? windowSize() : undefined,
      seccomp: (capabilities) => seccompFilter(options, machine, capabilities),
    });
  const asked = new Set(options.mounts.map(({ mount }) => mount.destination));
  const bare = spec([]);
  const { mounts = [], process } = bare;
  if (process === undefined) throw new Error("a container has a process");
  const mountPoints = mounts.map(({ destination }) => destination);
  return {
    warnings,
    spec: (rootMounts) => (rootMounts.length === 0 ? bare : spec(rootMounts)),
    description: {
      image: { text: options.imageText, ...(image.id === undefined ? {} : { id: image.id }) },
      root: image.root,
      runtime: runtimeName(options.runtime),
      config: containerConfig(options, image.config),
      process,
      labels: { ...image.config.Labels, ...options.labels },
      mountPoints: mountPoints.filter((path) => !asked.has(path)),
      volumes,
      network: containerNetwork(options, { image, findOther }),
      ...containerNamespaces(options, findOther),
      ...(options.place === undefined ? {} : { pod: membership(options.place) }),
      names,
      terminal: options.tty,
      interactive: options.interactive,
      init: options.init,
      autoRemove: options.autoRemove,
      requires,
      ...(options.wishes === undefined ? {} : { wishes: options.wishes }),
      ...(options.source === undefined ? {} : { commandLine: { ...options.source, directory: machine.cwd } }),
      ...(options.probes === undefined ? {} : { probes: options.probes }),
      restart: options.restart,
      stopSignal: options.stopSignal ?? imageStopSignal(image),
      stopTimeoutMs: options.stopTimeoutMs ?? STOP_TIMEOUT_MS,
      ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
      log: options.log ?? { driver: "file" },
      directories: missingSources(options),
    },
  };
}

function membership({ id, init }: PodPlace): PodMembership {
  return init === true ? { id, init } : { id };
}

function imageStopSignal({ config: { StopSignal } }: Image): number {
  return StopSignal === undefined || StopSignal === "" ? SIGTERM : parseSignal(StopSignal);
}

/** The network as the engine keeps it: with the ports that the image says are there, where all are to be published. */
function containerNetwork(
  { network, exposed, publishAll }: RunOptions,
  { image: { config }, findOther }: Pick<PlanSources, "image"> & { readonly findOther: PlanSources["findOther"] },
): ContainerNetwork {
  switch (network.kind) {
    case "none":
    case "host":
      return network;
    case "pod":
      return { kind: "pod", id: network.pod };
    case "container":
      if (findOther === undefined) throw new Error("networks of others are for containers that are kept");
      return { kind: "container", id: findOther(network.container) };
    case "networks": {
      const known = publishAll ? [...exposed, ...Object.keys(config.ExposedPorts ?? {}).map(parseExposedPort)] : [];
      const isAsked = (port: PublishedPort): boolean =>
        network.ports.some((each) => each.containerPort === port.containerPort && each.protocol === port.protocol);
      return { ...network, ports: [...network.ports, ...known.filter((port) => !isAsked(port))] };
    }
  }
}

/** As docker has it, also where the network alone is this machine's. */
function hasHostName({ network, namespaces }: RunOptions): boolean {
  return network.kind === "host" || namespaces?.uts === "host";
}

function containerNamespaces(
  { namespaces = {} }: RunOptions,
  findOther: PlanSources["findOther"],
): Pick<ContainerDescription, "namespaces"> {
  const { pid, ipc, ...others } = namespaces;
  const known = <T extends string>(choice: T | OfContainer): T | SharedNamespace => {
    if (typeof choice === "string") return choice;
    if (findOther === undefined) throw new Error("namespaces of others are for containers that are kept");
    return { container: findOther(choice.container) };
  };
  if (Object.keys(namespaces).length === 0) return {};
  return {
    namespaces: {
      ...others,
      ...(pid === undefined ? {} : { pid: known(pid) }),
      ...(ipc === undefined ? {} : { ipc: known(ipc) }),
    },
  };
}

/** Only a bridge has an address of this machine on it. */
function refuseGateway({ network: { kind }, addedHosts }: RunOptions, { rootless }: MachineView): void {
  if (!addedHosts.some(({ address }) => address === HOST_GATEWAY)) return;
  if (kind === "host" || (kind === "networks" && !rootless)) return;
  const what = kind === "networks" ? "an ordinary user's network does not lead to this machine" : `network is ${kind}`;
  throw new OrlopError("unsupported", `Cannot add host "${HOST_GATEWAY}": ${what}`);
}

/** The machine's own root has the right files already, except for what lies in its /run, and what a network or who asks for it changes. */
function containerFiles(
  { network, place }: RunOptions,
  { isHost }: Image,
  names: ContainerNames,
  ownDirectory: () => string,
): readonly Mount[] {
  if (place?.files !== undefined) {
    return podFileMounts(place.files, isHost ? resolverPath() : undefined, place.hostname !== undefined);
  }
  if (!isHost) return networkFiles(ownDirectory(), names, network.kind);
  if (network.kind === "networks" || names.hosts.length > 0) {
    return networkFiles(ownDirectory(), names, network.kind, resolverPath());
  }
  return network.kind === "none" ? [] : resolverFile(ownDirectory);
}

function isImageFile({ imageFiles = [] }: RunOptions, destination: string): boolean {
  return imageFiles.some((name) => destination === `/etc/${name}`);
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
