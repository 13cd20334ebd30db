import {
  type ImageHealthcheck,
  type Labels,
  type LinuxDeviceCgroup,
  OrlopError,
  type Platform,
  parseName,
  type Rlimit,
} from "@orlop/core";
import type { ContainerLog, ContainerProbes, ContainerWishes, RestartPolicy } from "@orlop/engine";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import type { PullPolicy } from "../image/image.ts";
import { type ImageReference, parseImageReference } from "../image/image-reference.ts";
import type { PodPlace } from "../pods/join-pod-options.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { readAttach, type StreamName } from "./attach-options.ts";
import { readBlockLimits } from "./block-limits.ts";
import { parseByteSize } from "./byte-size.ts";
import type { CapabilityRequest } from "./capability-set.ts";
import { parseDevice, type RequestedDevice } from "./device-flag.ts";
import { parseDeviceRule } from "./device-rule.ts";
import type { Variable } from "./environment.ts";
import { readHealthOptions } from "./health-options.ts";
import { readLifeOptions } from "./life-options.ts";
import { parseMount } from "./mount-flag.ts";
import { type NamespaceChoices, readNamespaceChoices } from "./namespace-options.ts";
import { type NetworkOptions, readNetworkOptions } from "./network-options.ts";
import {
  readCgroupSettings,
  readOnlyTmpfs,
  readPlatform,
  readPodFile,
  readPodmanOptions,
  readVariables,
  rootfsReference,
} from "./podman-options.ts";
import type { RequestedMount } from "./requested-mount.ts";
import { parseInteger, type ResourceLimits, readResourceLimits } from "./resource-limits.ts";
import { OWN_RUNTIME, parseRuntime, type RuntimeChoice } from "./runtime-choice.ts";
import { parseSecurityOptions, type SecurityModules, type SecurityOptions } from "./security-options.ts";
import { readStorageOptions } from "./storage-options.ts";
import { parseTmpfs } from "./tmpfs-flag.ts";
import { parseUlimit } from "./ulimit.ts";
import { parseVolume } from "./volume-flag.ts";
import { readVolumesFrom, type VolumesFrom } from "./volumes-from-flag.ts";

/** What a command line of `run` asks for, read and checked for itself. */
export interface RunOptions extends NetworkOptions {
  readonly image: ImageReference;
  /** The image as it was named. */
  readonly imageText: string;
  readonly pull: PullPolicy;
  /** Another than this machine's. */
  readonly platform: Platform | undefined;
  /** No progress is shown. */
  readonly quiet: boolean;
  /** Program and arguments, or arguments to the entry point; empty: what the image says. */
  readonly command: readonly string[];
  /** "" takes the image's away. */
  readonly entrypoint: string | undefined;
  readonly name: string | undefined;
  /** The command does not stay with it. */
  readonly detach: boolean;
  /** It is removed when it has ended. */
  readonly autoRemove: boolean;
  readonly labels: Labels;
  readonly restart: RestartPolicy;
  /** What is said instead of the image's; absent: nothing. */
  readonly health?: ImageHealthcheck;
  /** Of a document of Kubernetes; no flag says them. */
  readonly probes?: ContainerProbes;
  /** The words of the command line: flags, and the image with what follows. */
  readonly source?: { readonly flags: readonly string[]; readonly words: readonly string[] };
  /** Names of containers that are started before it. */
  readonly requires?: readonly string[];
  /** The container of its name goes first. */
  readonly replace?: true;
  /** So many descriptors of the caller's, from 3 up, are its own; absent: none. */
  readonly preservedFds?: number;
  /** Streams that who runs it is connected with; absent: output, and input if that is interactive. */
  readonly attach?: ReadonlySet<StreamName>;
  /** Whose mounts it has as well. */
  readonly volumesFrom?: readonly VolumesFrom[];
  /** What becomes of the places that the image wants volumes at; absent: volumes. */
  readonly imageVolumes?: "tmpfs" | "ignore";
  /** Files in /etc that stay the image's. */
  readonly imageFiles?: readonly ("hosts" | "hostname")[];
  /** As tzset(3) has it, or `local`; absent: what the image says. */
  readonly timeZone?: string;
  /** Absent: 022. */
  readonly umask?: number;
  readonly personality?: "LINUX" | "LINUX32";
  /** There are those variables alone that are asked for. */
  readonly bareEnvironment?: true;
  /** Number; absent: what the image says, or SIGTERM. */
  readonly stopSignal: number | undefined;
  readonly stopTimeoutMs: number | undefined;
  /** So long it may run; absent: for ever. */
  readonly timeLimitMs?: number;
  /** Absent: that which fits. */
  readonly log: ContainerLog | undefined;
  /** Bytes that let a terminal go from the container; empty: none do. */
  readonly detachKeys: Buffer;
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
  readonly cidfile: string | undefined;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly init: boolean;
  readonly signalProxy: boolean;
  readonly variables: readonly Variable[];
  readonly workdir: string | undefined;
  readonly user: string | undefined;
  readonly groupsToAdd: readonly string[];
  readonly mounts: readonly RequestedMount[];
  readonly devices: readonly RequestedDevice[];
  readonly readOnly: boolean;
  readonly shmSizeBytes: number | undefined;
  /** Of what is written to the root file system; absent: no limit. */
  readonly storageSizeMaxBytes?: number;
  readonly capabilities: CapabilityRequest;
  readonly security: SecurityOptions;
  readonly privileged: boolean;
  readonly runtime: RuntimeChoice;
  readonly sysctl: Readonly<Record<string, string>>;
  /** Absent: all are its own. */
  readonly namespaces?: NamespaceChoices;
  readonly limits: ResourceLimits;
  /** What it was asked for in words that its config does not have; absent: nothing of that kind. */
  readonly wishes?: ContainerWishes;
  /** Noted with it in its OCI config. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Further rules of the device cgroup. */
  readonly deviceRules?: readonly LinuxDeviceCgroup[];
  readonly rlimits: readonly Rlimit[];
  readonly oomScoreAdj: number | undefined;
  /** It is the caller's own command, with the caller's ids, also in a user namespace, and umask. */
  readonly asCaller?: true;
  /** Name or id of the pod that it joins, or `new:NAME` for one that is made. */
  readonly pod?: string;
  /** It only prepares for the others of the pod. */
  readonly initContainer?: true;
  /** What that comes to, once it is known. */
  readonly place?: PodPlace;
}

/** What reading a command line needs to know of the process it was given to. */
export interface CallerView {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cpuCount: number;
  readonly modules: SecurityModules;
  /** An ordinary user: containers live in a user namespace where user 0 is the caller. */
  readonly rootless: boolean;
}

/**
 * Reads the flags of `run` and the image and command behind them.
 *
 * @throws OrlopError
 */
export function readRunOptions(flags: ParsedFlags, caller: CallerView): RunOptions {
  const [named, ...words] = flags.positional;
  if (named === undefined)
    throw new OrlopError("invalid", "an image is required: a name, host, dir:PATH, oci:PATH[:TAG] or an archive");
  const imageText = flags.isOn("rootfs") ? rootfsReference(named) : named;
  const privileged = flags.isOn("privileged");
  const health = readHealthOptions(flags);
  return {
    image: parseImageReference(imageText, caller.cwd),
    imageText,
    pull: flags.parse("pull", parsePullPolicy) ?? "missing",
    platform: readPlatform(flags, ownPlatform()),
    quiet: flags.isOn("quiet"),
    command: words[0] === "--" ? words.slice(1) : words,
    entrypoint: flags.text("entrypoint"),
    name: flags.parse("name", parseName),
    ...readLifeOptions(flags),
    ...(health === undefined ? {} : { health }),
    source: { flags: flags.given, words: flags.positional },
    requires: flags.list("requires").flatMap((names) => names.split(",")),
    hostname: flags.parse("hostname", parseHostname),
    domainname: flags.parse("domainname", parseDomainname),
    cidfile: flags.text("cidfile"),
    interactive: flags.isOn("interactive"),
    tty: flags.isOn("tty"),
    init: flags.isOn("init"),
    signalProxy: !flags.has("sig-proxy") || flags.isOn("sig-proxy"),
    variables: readVariables(flags, caller),
    workdir: flags.parse("workdir", parseWorkdir),
    user: flags.text("user"),
    groupsToAdd: flags.list("group-add"),
    mounts: readMounts(flags, caller),
    ...readPodmanOptions(flags),
    ...readAttach(flags),
    ...readVolumesFrom(flags),
    devices: flags.parseAll("device", parseDevice).flat(),
    readOnly: flags.isOn("read-only"),
    shmSizeBytes: flags.parse("shm-size", parseByteSize),
    ...readStorageOptions(flags),
    ...readNetworkOptions(flags),
    capabilities: { add: flags.list("cap-add"), drop: flags.list("cap-drop"), privileged },
    security: parseSecurityOptions(flags.list("security-opt"), caller.modules),
    privileged,
    runtime: flags.parse("runtime", parseRuntime) ?? OWN_RUNTIME,
    sysctl: Object.fromEntries(flags.parseAll("sysctl", parseSysctl)),
    namespaces: readNamespaceChoices(flags, caller.rootless),
    limits: { ...readResourceLimits(flags, caller), ...readCgroupSettings(flags) },
    ...readWishes(flags),
    annotations: Object.fromEntries(flags.parseAll("annotation", parseAnnotation)),
    deviceRules: flags.parseAll("device-cgroup-rule", parseDeviceRule),
    rlimits: readRlimits(flags),
    oomScoreAdj: flags.parse("oom-score-adj", parseOomScore),
    ...podOptions(flags),
  };
}

function podOptions(flags: ParsedFlags): Pick<RunOptions, "pod" | "initContainer"> {
  const pod = readPodFile(flags) ?? flags.text("pod");
  const init = flags.parse("init-ctr", parseInitContainer);
  if (pod === undefined) {
    if (init !== undefined) throw new OrlopError("invalid", "--init-ctr is about containers of a pod: it needs --pod");
    return {};
  }
  if (pod.startsWith("new:")) parseName(pod.slice("new:".length));
  return { pod, ...(init === undefined ? {} : { initContainer: init }) };
}

function parseInitContainer(text: string): true {
  if (text === "always") return true;
  throw new OrlopError("unsupported", "it is always: a container is not removed by having run");
}

function readWishes(flags: ParsedFlags): Pick<RunOptions, "wishes"> {
  const { paths } = readBlockLimits(flags);
  const devices = flags.parseAll("device", parseDevice).flat();
  const cgroupParent = flags.parse("cgroup-parent", parseCgroupParent);
  const volumesFrom = flags.list("volumes-from");
  const { attach } = readAttach(flags);
  const deviceRules = flags.list("device-cgroup-rule");
  const wishes = {
    ...(Object.keys(paths).length === 0 ? {} : { blockDevices: paths }),
    ...(devices.length === 0
      ? {}
      : {
          devices: devices.map(({ hostPath, device, rule }) => ({
            host: hostPath,
            path: device.path,
            access: rule.access ?? "rwm",
          })),
        }),
    ...(deviceRules.length === 0 ? {} : { deviceRules }),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
    ...(volumesFrom.length === 0 ? {} : { volumesFrom }),
    ...(attach === undefined ? {} : { attach: [...attach] }),
  };
  return Object.keys(wishes).length === 0 ? {} : { wishes };
}

/** A path of a cgroup, below which its own is; in one part a name that stands beside others. */
function parseCgroupParent(text: string): string {
  const parts = text.replace(/^\//, "").split("/");
  if (parts.every((part) => part !== "" && part !== "." && part !== "..") && !/[\0\n]/.test(text)) return text;
  throw new OrlopError("invalid", "it is the path of a cgroup, without empty parts, . and ..");
}

/** Docker's: `KEY=VALUE`; podman takes a key alone as well, with an empty value. */
function parseAnnotation(text: string): readonly [string, string] {
  const [, key = "", value = ""] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (key.trim() === "") throw new OrlopError("invalid", "invalid argument: it is KEY=VALUE");
  return [key, value];
}

function readMounts(flags: ParsedFlags, { cwd, modules }: CallerView): readonly RequestedMount[] {
  const asked = [
    ...flags.parseAll("volume", (text) => parseVolume(text, cwd, modules)),
    ...flags.parseAll("mount", (text) => parseMount(text, cwd, modules)),
    ...flags.parseAll("tmpfs", parseTmpfs),
  ];
  const mounts = [...asked, ...readOnlyTmpfs(flags, asked)];
  const seen = new Set<string>();
  for (const { mount } of mounts) {
    if (seen.has(mount.destination)) {
      throw new OrlopError("invalid", `Duplicate mount point: ${mount.destination}`, { field: "mounts" });
    }
    seen.add(mount.destination);
  }
  return mounts;
}

/** Of several limits of one kind the last counts. */
function readRlimits(flags: ParsedFlags): readonly Rlimit[] {
  return [...new Map(flags.parseAll("ulimit", parseUlimit).map((limit) => [limit.type, limit])).values()];
}

/** sethostname(2): __NEW_UTS_LEN. */
const UTS_LENGTH_MAX = 64;

export function parseHostname(text: string): string {
  if (text.length <= UTS_LENGTH_MAX && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(text)) return text;
  throw new OrlopError(
    "invalid",
    `invalid hostname: letters, digits, and between them hyphens and dots; at most ${UTS_LENGTH_MAX} characters`,
  );
}

function parseDomainname(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new OrlopError("invalid", "invalid domain name: letters, digits, hyphens and dots, at most 64 characters");
}

function parseWorkdir(text: string): string {
  if (text.startsWith("/")) return text;
  throw new OrlopError("invalid", `the working directory '${text}' is invalid, it needs to be an absolute path`);
}

function parsePullPolicy(text: string): PullPolicy {
  if (text === "missing" || text === "always" || text === "never") return text;
  throw new OrlopError("invalid", "it is missing, always or never");
}

export function parseSysctl(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new OrlopError("invalid", "it is NAME=VALUE");
}

const OOM_SCORE_MAX = 1000;

function parseOomScore(text: string): number {
  const score = parseInteger(text);
  if (Math.abs(score) <= OOM_SCORE_MAX) return score;
  throw new OrlopError("invalid", "Invalid value, range for oom score adj is [-1000, 1000]");
}
