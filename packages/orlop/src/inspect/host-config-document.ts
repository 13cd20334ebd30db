import {
  DEFAULT_CAPABILITIES,
  type Int64,
  type LinuxBlockIODevice,
  type LinuxCPU,
  type LinuxResources,
  type LinuxThrottleDevice,
  type Mount,
  RLIM_INFINITY,
  type Uint64,
} from "@orlop/core";
import type { Container, LogDetails } from "@orlop/engine";
import { NIL_LIST, Struct, type StructField, type Value } from "../format/template/value.ts";
import { CPU_PERIOD_MICROSECONDS } from "../run/cpu-bandwidth.ts";
import { egressWords } from "../run/egress-flag.ts";
import type { InspectedContainer } from "./container-document.ts";
import { dictionaryOf, documentOf } from "./document-of.ts";
import { type AskedMount, askedMounts, isReadOnly } from "./mount-document.ts";
import { portsDictionary } from "./network-settings-document.ts";

/** What a container was asked to be, read back from the config that came of it. */
export function hostConfigDocument(inspected: InspectedContainer): Struct {
  const { container, spec } = inspected;
  const { linux } = spec ?? {};
  const { network, names } = container;
  const asked = askedMounts(inspected);
  const isPrivileged = linux !== undefined && linux.maskedPaths === undefined && linux.seccomp === undefined;
  return new Struct([
    ...documentOf({
      Binds: orNil(asked.filter(({ type, volume }) => type === "bind" && volume?.isAnonymous !== true).map(bindText)),
      ContainerIDFile: "",
      LogConfig: logConfig(container),
      NetworkMode: networkMode(container),
      PortBindings: portsDictionary(network.kind === "networks" ? network.ports : []),
      RestartPolicy: restartPolicy(container),
      AutoRemove: container.autoRemove,
      VolumeDriver: "",
      VolumesFrom: orNil(container.wishes?.volumesFrom ?? []),
      ConsoleSize: [container.process.consoleSize?.height ?? 0, container.process.consoleSize?.width ?? 0],
    }).fields,
    { name: "Annotations", value: dictionaryOf(spec?.annotations ?? {}), omitEmpty: true },
    ...documentOf({
      ...capabilities(inspected, isPrivileged),
      CgroupnsMode: namespaceMode(inspected, "cgroup"),
      Dns: orNil(names.servers ?? []),
      DnsOptions: orNil(names.options ?? []),
      DnsSearch: orNil(names.search ?? []),
      ExtraHosts: orNil(names.hosts.flatMap(({ address, names: hosts }) => hosts.map((host) => `${host}:${address}`))),
      GroupAdd: orNil((container.process.user.additionalGids ?? []).map(String)),
      IpcMode: namespaceMode(inspected, "ipc"),
      Cgroup: "",
      Links: NIL_LIST,
      OomScoreAdj: container.process.oomScoreAdj ?? 0,
      PidMode: namespaceMode(inspected, "pid"),
      Privileged: isPrivileged,
      PublishAllPorts: false,
      ReadonlyRootfs: spec?.root.readonly ?? false,
      SecurityOpt: orNil(securityOptions(container, linux?.seccomp === undefined && !isPrivileged)),
    }).fields,
    { name: "Tmpfs", value: dictionaryOf(tmpfsMounts(asked)), omitEmpty: true },
    ...documentOf({
      UTSMode: container.namespaces?.uts ?? "",
      UsernsMode: container.namespaces?.user ?? "",
      ShmSize: shmSize(spec?.mounts ?? []),
    }).fields,
    { name: "Sysctls", value: dictionaryOf(linux?.sysctl ?? {}), omitEmpty: true },
    { name: "Runtime", value: container.runtime, omitEmpty: true },
    { name: "Isolation", value: "" },
    ...resourceFields(container, linux?.resources ?? {}),
    ...documentOf({
      MaskedPaths: orNil(linux?.maskedPaths ?? []),
      ReadonlyPaths: orNil(linux?.readonlyPaths ?? []),
    }).fields,
    { name: "Init", value: container.init, omitEmpty: true },
    // Ours, and there only where somebody has asked for it.
    { name: "Egress", value: egressOf(container), omitEmpty: true },
  ]);
}

function egressOf({ network }: Container): readonly Value[] {
  return network.kind === "networks" && network.egress !== undefined ? egressWords(network.egress) : [];
}

function orNil(list: readonly string[]): readonly Value[] {
  return list.length === 0 ? NIL_LIST : list;
}

/** Docker's word for what the container has of networks. */
function networkMode({ network }: Container): string {
  switch (network.kind) {
    case "container":
      return `container:${network.id}`;
    case "pod":
      return `pod:${network.id}`;
    case "networks":
      return network.attachments[0]?.network ?? "";
    default:
      return network.kind;
  }
}

function bindText(mount: AskedMount): string {
  return `${mount.volume?.name ?? mount.source}:${mount.destination}${isReadOnly(mount) ? ":ro" : ""}`;
}

function tmpfsMounts(asked: readonly Mount[]): Record<string, string> {
  const mounts = asked.filter(({ type }) => type === "tmpfs");
  return Object.fromEntries(mounts.map(({ destination, options = [] }) => [destination, options.join(",")]));
}

/** Docker's words for what stays on the disk, one entry a line. */
function logConfig({ log }: Container): Struct {
  const options: Record<string, string> = {};
  if (log.driver === "file" && log.maxSizeBytes !== undefined) options["max-size"] = String(log.maxSizeBytes);
  if (log.driver === "file" && log.maxFiles !== undefined) options["max-file"] = String(log.maxFiles);
  if (log.driver === "file") Object.assign(options, detailOptions(log.details ?? {}));
  return documentOf({ Type: log.driver === "file" ? "json-file" : log.driver, Config: dictionaryOf(options) });
}

function detailOptions({ labels, labelsRegex, env, envRegex, tag }: LogDetails): Record<string, string> {
  return {
    ...(labels === undefined ? {} : { labels: labels.join(",") }),
    ...(labelsRegex === undefined ? {} : { "labels-regex": labelsRegex }),
    ...(env === undefined ? {} : { env: env.join(",") }),
    ...(envRegex === undefined ? {} : { "env-regex": envRegex }),
    ...(tag === undefined ? {} : { tag }),
  };
}

function restartPolicy({ restart }: Container): Struct {
  const count = restart.name === "on-failure" ? restart.maximumRetryCount : 0;
  return documentOf({ Name: restart.name, MaximumRetryCount: count });
}

/** What the bounding set has more and less than docker's. */
function capabilities({ container }: InspectedContainer, isPrivileged: boolean): Record<"CapAdd" | "CapDrop", Value> {
  const has = container.process.capabilities?.bounding;
  if (has === undefined || isPrivileged) return { CapAdd: NIL_LIST, CapDrop: NIL_LIST };
  const added = has.filter((name) => !DEFAULT_CAPABILITIES.includes(name));
  return { CapAdd: orNil(added), CapDrop: orNil(DEFAULT_CAPABILITIES.filter((name) => !has.includes(name))) };
}

/** Of those that are its own docker calls some private, and others nothing. */
function namespaceMode({ container, spec }: InspectedContainer, wanted: "cgroup" | "ipc" | "pid"): string {
  const asked = container.namespaces?.[wanted];
  if (asked !== undefined) return typeof asked === "string" ? asked : `container:${asked.container}`;
  const isOwn = spec?.linux?.namespaces?.some(({ type }) => type === wanted) === true;
  return isOwn && wanted !== "pid" ? "private" : "";
}

function securityOptions({ process }: Container, isUnfiltered: boolean): readonly string[] {
  const { apparmorProfile, noNewPrivileges } = process;
  return [
    ...(isUnfiltered ? ["seccomp=unconfined"] : []),
    ...(noNewPrivileges === true ? ["no-new-privileges"] : []),
    ...(apparmorProfile === undefined ? [] : [`apparmor=${apparmorProfile}`]),
  ];
}

function shmSize(mounts: readonly Mount[]): number {
  const size = mounts
    .find(({ destination }) => destination === "/dev/shm")
    ?.options?.find((option) => option.startsWith("size="));
  const [, number = "0", unit = ""] = /^size=(\d+)([kmg]?)$/i.exec(size ?? "") ?? [];
  return Number(number) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
}

/** `--cpus` is a quota of the usual period, and docker shows it as neither. */
function bandwidth({ period = 0, quota = 0 }: LinuxCPU = {}): Record<"nanoCpus" | "period" | "quota", Int64> {
  return period === CPU_PERIOD_MICROSECONDS && quota > 0
    ? { nanoCpus: (Number(quota) * 1e9) / period, period: 0, quota: 0 }
    : { nanoCpus: 0, period, quota };
}

/** Docker's limits are signed. */
const dockerLimit = (value: Uint64): Uint64 | -1 => (value === RLIM_INFINITY ? -1 : value);

function resourceFields(
  container: Container,
  { memory, cpu, pids, blockIO = {} }: LinuxResources,
): readonly StructField[] {
  const { rlimits = [] } = container.process;
  const time = bandwidth(cpu);
  const { wishes = {} } = container;
  const path = ({ major, minor }: LinuxBlockIODevice): string =>
    wishes.blockDevices?.[`${major}:${minor}`] ?? `${major}:${minor}`;
  const rates = (devices: readonly LinuxThrottleDevice[] = []): readonly Value[] =>
    devices.length === 0 ? NIL_LIST : devices.map((device) => documentOf({ Path: path(device), Rate: device.rate }));
  const weights = (blockIO.weightDevice ?? []).map((device) =>
    documentOf({ Path: path(device), Weight: device.weight ?? 0 }),
  );
  const devices = (wishes.devices ?? []).map(({ host, path: inside, access }) =>
    documentOf({ PathOnHost: host, PathInContainer: inside, CgroupPermissions: access }),
  );
  const limits = rlimits.map(({ type, hard, soft }) =>
    documentOf({ Name: type.replace(/^RLIMIT_/, "").toLowerCase(), Hard: dockerLimit(hard), Soft: dockerLimit(soft) }),
  );
  return documentOf({
    CpuShares: cpu?.shares ?? 0,
    Memory: memory?.limit ?? 0,
    NanoCpus: time.nanoCpus,
    CgroupParent: wishes.cgroupParent ?? "",
    BlkioWeight: blockIO.weight ?? 0,
    BlkioWeightDevice: weights.length === 0 ? NIL_LIST : weights,
    BlkioDeviceReadBps: rates(blockIO.throttleReadBpsDevice),
    BlkioDeviceWriteBps: rates(blockIO.throttleWriteBpsDevice),
    BlkioDeviceReadIOps: rates(blockIO.throttleReadIOPSDevice),
    BlkioDeviceWriteIOps: rates(blockIO.throttleWriteIOPSDevice),
    CpuPeriod: time.period,
    CpuQuota: time.quota,
    CpuRealtimePeriod: cpu?.realtimePeriod ?? 0,
    CpuRealtimeRuntime: cpu?.realtimeRuntime ?? 0,
    CpusetCpus: cpu?.cpus ?? "",
    CpusetMems: cpu?.mems ?? "",
    Devices: devices.length === 0 ? NIL_LIST : devices,
    DeviceCgroupRules: orNil(wishes.deviceRules ?? []),
    DeviceRequests: NIL_LIST,
    MemoryReservation: memory?.reservation ?? 0,
    MemorySwap: memory?.swap ?? 0,
    MemorySwappiness: memory?.swappiness ?? null,
    OomKillDisable: memory?.disableOOMKiller ?? null,
    PidsLimit: pids?.limit ?? null,
    Ulimits: limits.length === 0 ? NIL_LIST : limits,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  }).fields;
}
