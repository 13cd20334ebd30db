import { type ExecCPUAffinity, type Linux, type LinuxNamespaceType, OrlopError, type Stdio } from "@orlop/core";
import type { CgroupDirectory } from "@orlop/kernel";
import type { ResctrlGroup } from "../resctrl/plan-resctrl.ts";
import type { ContainerUnit } from "../systemd/container-unit.ts";
import type { CreatePlan } from "./compilation.ts";
import { outsideMounts } from "./outside-mounts.ts";
import type { FailedStep } from "./program-failure.ts";

/** What a container is, for every process that asks later. */
export interface ContainerRecord {
  readonly schemaVersion: 1;
  readonly id: string;
  readonly ociVersion: string;
  readonly bundle: string;
  /** Where its config was read from, if that is not the bundle's config.json. */
  readonly configPath?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly cgroups: readonly CgroupDirectory[];
  /** The systemd unit that they belong to. */
  readonly unit?: ContainerUnit;
  readonly resctrl?: ResctrlGroup;
  /** Namespaces of its own or joined, which an exec enters; by name of the OCI spec. */
  readonly namespaces: readonly string[];
  /** Those of them that it joined. */
  readonly joinedNamespaces?: readonly LinuxNamespaceType[];
  /** Where it may have mounts that show what lies outside of it, for who dumps it. */
  readonly outsideMounts?: readonly string[];
  /** Paths that its standard streams were opened by, for who dumps it; empty for one that was given. */
  readonly streams?: readonly string[];
  /** All processes of it end with init. */
  readonly ownPidNamespace: boolean;
  readonly detached: boolean;
  readonly createdAtMs: number;
  /** Of the kernel that it was made under: /proc/sys/kernel/random/boot_id. Pids and times since boot are of this one. */
  readonly bootId: string;
  /** Absolute path of its root file system, where that is a directory of the host's; otherwise empty. */
  readonly rootfs: string;
  /** Pid of who was called to make it, where that matters. */
  readonly makerPid?: number;
  /** Uid of who made it. */
  readonly ownerUid: number;
  /** For execs that do not say it themselves. */
  readonly execCPUAffinity?: ExecCPUAffinity;
  /** Of the config: execs have them, too. */
  readonly personality?: Linux["personality"];
  readonly memoryPolicy?: Linux["memoryPolicy"];
  /** What init does once it is told to start, for who tells it and did not write the program. */
  readonly startSteps: readonly StartStep[];
}

/** A step of a program, from the instruction `from` up to the next step's. */
export interface StartStep extends FailedStep {
  readonly from: number;
}

const SCHEMA_VERSION = 1;

/** The record of a container that is about to be made; `startSteps` of its program, where somebody else may start it. */
export function recordOf(plan: CreatePlan, startSteps: readonly StartStep[]): ContainerRecord {
  const { request, rootfs, cgroup, unit, resctrl, host, style } = plan;
  const { id, bundle, spec, detached } = request;
  const namespaces = spec.linux?.namespaces ?? [];
  const { execCPUAffinity } = spec.process ?? {};
  const { personality, memoryPolicy } = spec.linux ?? {};
  return {
    schemaVersion: SCHEMA_VERSION,
    id,
    ociVersion: spec.ociVersion,
    bundle,
    ...(style.configPath === undefined ? {} : { configPath: style.configPath }),
    annotations: spec.annotations ?? {},
    cgroups: cgroup?.directories ?? [],
    ...(unit === undefined ? {} : { unit: { name: unit.name, ofUser: unit.ofUser } }),
    ...(resctrl === undefined ? {} : { resctrl }),
    namespaces: namespaces.map(({ type }) => type),
    joinedNamespaces: namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [type])),
    outsideMounts: outsideMounts(plan).map(({ destination }) => destination),
    ...(spec.process?.terminal === true ? {} : { streams: streamPaths(request.stdio) }),
    ownPidNamespace: namespaces.some(({ type, path }) => type === "pid" && path === undefined),
    detached: detached === true,
    createdAtMs: Date.now(),
    bootId: host.bootId,
    rootfs: rootfs.kind === "directory" ? rootfs.path : "",
    ownerUid: host.uid,
    ...(style.makerPid === undefined ? {} : { makerPid: style.makerPid }),
    startSteps,
    ...(execCPUAffinity === undefined ? {} : { execCPUAffinity }),
    ...(personality === undefined ? {} : { personality }),
    ...(memoryPolicy === undefined ? {} : { memoryPolicy }),
  };
}

function streamPaths({ stdin, stdout, stderr }: Stdio): readonly string[] {
  return [stdin, stdout, stderr].map((target) => {
    if (target === "null") return "/dev/null";
    return typeof target === "object" && "path" in target ? target.path : "";
  });
}

/** Throws `failed` for a record that is damaged, `unsupported` for one of another version. */
export function parseRecord(text: string, id: string): ContainerRecord {
  let record: unknown;
  let cause: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    cause = error;
  }
  if (typeof record !== "object" || record === null) {
    throw new OrlopError("failed", `Cannot read container "${id}": its record is damaged`, { cause });
  }
  const { schemaVersion } = record as Partial<ContainerRecord>;
  if (schemaVersion !== SCHEMA_VERSION && schemaVersion !== undefined) {
    throw new OrlopError("unsupported", `Cannot read container "${id}": its record has version ${schemaVersion}`);
  }
  if (isRecord(record, id)) return record;
  throw new OrlopError("failed", `Cannot read container "${id}": its record is damaged`);
}

/** Whether everything is there that is read of it, as far as that is a matter of kind. */
function isRecord(found: object, id: string): found is ContainerRecord {
  const record = found as Readonly<Record<keyof ContainerRecord, unknown>>;
  const texts = [record.ociVersion, record.bundle, record.bootId, record.rootfs];
  const lists = [record.cgroups, record.namespaces, record.startSteps];
  const numbers = [record.createdAtMs, record.ownerUid];
  return (
    record.schemaVersion === SCHEMA_VERSION &&
    record.id === id &&
    texts.every((each) => typeof each === "string") &&
    lists.every((each) => Array.isArray(each)) &&
    numbers.every((each) => Number.isInteger(each)) &&
    typeof record.annotations === "object" &&
    (record.cgroups as readonly unknown[]).every(isCgroupDirectory)
  );
}

function isCgroupDirectory(found: unknown): boolean {
  if (typeof found !== "object" || found === null) return false;
  const { version, path, controllers } = found as Partial<CgroupDirectory>;
  return (version === 1 || version === 2) && typeof path === "string" && Array.isArray(controllers);
}
