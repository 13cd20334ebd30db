import { OrlopError } from "@orlop/core";
import { parseFlags } from "../../flags/parse-flags.ts";
import type { MachineView } from "../../run/machine-view.ts";
import type { RequestedMount } from "../../run/requested-mount.ts";
import { RUN_FLAGS } from "../../run/run-flags.ts";
import { type RunOptions, readRunOptions } from "../../run/run-options.ts";
import { volumeMount } from "../../run/volume-flag.ts";
import {
  checkOptions,
  isAbsolutePath,
  isCount,
  isOneOf,
  isRecord,
  isText,
  isVariables,
  type OptionCheck,
} from "../check-options.ts";
import { readSandboxMounts } from "../read-sandbox-mounts.ts";
import type { SandboxMount } from "../sandbox-options.ts";
import type { ContainerNamespaces, ContainerOptions, VolumeRequest } from "./container-options.ts";

const isTexts: OptionCheck = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes("\0"))
    ? undefined
    : "it is an array of strings";

const isSwitch: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "it is true or false");
const isInteger: OptionCheck = (value) => (Number.isSafeInteger(value) ? undefined : "it is a whole number");
const isSize: OptionCheck = (value) => (typeof value === "string" ? isText(value) : isCount(value));

/** The flag that an option becomes, and what its value is; several of a list and of a record. */
interface OptionFlag {
  readonly flag: string;
  readonly check: OptionCheck;
}

const text = (flag: string): OptionFlag => ({ flag, check: isText });
const texts = (flag: string): OptionFlag => ({ flag, check: isTexts });
const record = (flag: string): OptionFlag => ({ flag, check: isRecord });
const whole = (flag: string): OptionFlag => ({ flag, check: isInteger });
const size = (flag: string): OptionFlag => ({ flag, check: isSize });
const onOff = (flag: string): OptionFlag => ({ flag, check: isSwitch });

const FLAGS = {
  name: text("name"),
  platform: text("platform"),
  pull: { flag: "pull", check: isOneOf("missing", "always", "never") },
  entrypoint: text("entrypoint"),
  hostname: text("hostname"),
  domainname: text("domainname"),
  env: { flag: "env", check: isVariables },
  workdir: { flag: "workdir", check: isAbsolutePath },
  user: text("user"),
  groups: texts("group-add"),
  umask: text("umask"),
  timeZone: text("tz"),
  init: onOff("init"),
  stopSignal: text("stop-signal"),
  labels: record("label"),
  annotations: record("annotation"),
  volumesFrom: texts("volumes-from"),
  tmpfs: texts("tmpfs"),
  readOnly: onOff("read-only"),
  shmSize: size("shm-size"),
  devices: texts("device"),
  deviceRules: texts("device-cgroup-rule"),
  network: text("network"),
  networkAliases: texts("network-alias"),
  ports: texts("publish"),
  dns: texts("dns"),
  capAdd: texts("cap-add"),
  capDrop: texts("cap-drop"),
  securityOptions: texts("security-opt"),
  privileged: onOff("privileged"),
  sysctls: record("sysctl"),
  runtime: text("runtime"),
  cgroupParent: text("cgroup-parent"),
  memory: size("memory"),
  memoryReservation: size("memory-reservation"),
  memorySwap: { flag: "memory-swap", check: (value) => (value === -1 ? undefined : isSize(value)) },
  memorySwappiness: whole("memory-swappiness"),
  oomKillDisable: onOff("oom-kill-disable"),
  oomScoreAdj: whole("oom-score-adj"),
  cpus: {
    flag: "cpus",
    check: (value) => (typeof value === "number" && value > 0 ? undefined : "it is a number greater than 0"),
  },
  cpuShares: whole("cpu-shares"),
  cpuPeriod: whole("cpu-period"),
  cpuQuota: whole("cpu-quota"),
  cpusetCpus: text("cpuset-cpus"),
  cpusetMems: text("cpuset-mems"),
  cpuRealtimePeriod: whole("cpu-rt-period"),
  cpuRealtimeRuntime: whole("cpu-rt-runtime"),
  blkioWeight: whole("blkio-weight"),
  blkioWeightDevice: texts("blkio-weight-device"),
  deviceReadBps: texts("device-read-bps"),
  deviceWriteBps: texts("device-write-bps"),
  deviceReadIops: texts("device-read-iops"),
  deviceWriteIops: texts("device-write-iops"),
  pids: { flag: "pids-limit", check: isCount },
  ulimits: record("ulimit"),
  timeLimitSeconds: whole("timeout"),
  cgroupSettings: record("cgroup-conf"),
} satisfies Readonly<Partial<Record<keyof ContainerOptions, OptionFlag>>>;

const CHECKS: Readonly<Record<keyof ContainerOptions, OptionCheck>> = {
  ...(Object.fromEntries(Object.entries(FLAGS).map(([name, { check }]) => [name, check])) as Record<
    keyof typeof FLAGS,
    OptionCheck
  >),
  image: isText,
  command: isTexts,
  mounts: (value) => (Array.isArray(value) ? undefined : "it is an array"),
  namespaces: (value) => (typeof value === "object" && value !== null ? undefined : "it is an object"),
  hosts: isRecord,
  disk: isSize,
};

const NAMESPACE_CHECKS: Readonly<Record<keyof ContainerNamespaces, OptionCheck>> = {
  pid: isText,
  ipc: isText,
  uts: isOneOf("host"),
  cgroup: isOneOf("host", "private"),
  user: isOneOf("host"),
};

const NAMESPACE_FLAGS: Readonly<Record<keyof ContainerNamespaces, string>> = {
  pid: "pid",
  ipc: "ipc",
  uts: "uts",
  cgroup: "cgroupns",
  user: "userns",
};

const VOLUME_CHECKS: Readonly<Record<keyof VolumeRequest, OptionCheck>> = {
  volume: isText,
  to: isAbsolutePath,
  mode: isOneOf("ro", "rw"),
  owner: isOneOf("user"),
};

/**
 * The same as a command line of `create` means, so that both make the same containers.
 *
 * @throws OrlopError `invalid`
 */
export function readContainerOptions(options: ContainerOptions, caller: MachineView): RunOptions {
  checkOptions("create container", options, CHECKS);
  const { image, command = [], mounts = [], namespaces = {}, hosts = {}, disk } = options;
  if (image === undefined) {
    throw new OrlopError("invalid", 'Cannot create container: option "image" is missing', { field: "image" });
  }
  checkOptions('create container: option "namespaces"', namespaces, NAMESPACE_CHECKS);
  const words = [
    "--quiet",
    ...entriesOf(FLAGS).flatMap(([name, { flag }]) => flagWords(flag, options[name])),
    ...entriesOf(NAMESPACE_FLAGS).flatMap(([name, flag]) => flagWords(flag, namespaces[name])),
    ...Object.entries(hosts).flatMap(([name, address]) => flagWords("add-host", `${name}:${address}`)),
    ...(disk === undefined ? [] : flagWords("storage-opt", `size=${disk}`)),
    image,
    ...(command.length === 0 ? [] : ["--", ...command]),
  ];
  const read = readRunOptions(parseFlags(RUN_FLAGS, words), caller);
  return { ...read, mounts: distinctMounts([...readMounts(mounts, caller), ...read.mounts]) };
}

function entriesOf<T extends object>(record: T): readonly (readonly [keyof T, T[keyof T]])[] {
  return Object.entries(record) as [keyof T, T[keyof T]][];
}

type OptionValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;

/** As they would stand on a command line: no value is taken for a flag. */
function flagWords(flag: string, value: OptionValue): readonly string[] {
  if (value === undefined) return [];
  if (typeof value !== "object") return [`--${flag}=${value}`];
  const values = Array.isArray(value) ? value : Object.entries(value).map(([name, each]) => `${name}=${each}`);
  return values.map((each) => `--${flag}=${each}`);
}

function readMounts(mounts: readonly (SandboxMount | VolumeRequest)[], caller: MachineView): readonly RequestedMount[] {
  return mounts.flatMap((mount) => ("volume" in mount ? [readVolume(mount)] : readSandboxMounts([mount], caller)));
}

function distinctMounts(mounts: readonly RequestedMount[]): readonly RequestedMount[] {
  const seen = new Set<string>();
  for (const { mount } of mounts) {
    if (seen.has(mount.destination)) {
      throw new OrlopError("invalid", `Cannot create container: two mounts at ${mount.destination}`, {
        field: "mounts",
      });
    }
    seen.add(mount.destination);
  }
  return mounts;
}

function readVolume(mount: VolumeRequest): RequestedMount {
  checkOptions('create container: option "mounts"', mount, VOLUME_CHECKS);
  if (mount.volume === undefined || mount.to === undefined) {
    throw new OrlopError("invalid", 'Cannot create container: option "mounts": a volume needs volume and to', {
      field: "mounts",
    });
  }
  return volumeMount(mount.volume, mount.to, {
    readonly: mount.mode === "ro",
    copies: true,
    isGiven: mount.owner === "user",
  });
}
