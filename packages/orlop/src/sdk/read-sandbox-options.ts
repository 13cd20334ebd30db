import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { type ImageReference, parseImageReference } from "../image/image-reference.ts";
import { parseByteSize } from "../run/byte-size.ts";
import { cpuBandwidth } from "../run/cpu-bandwidth.ts";
import type { MachineView } from "../run/machine-view.ts";
import { MEMORY_MIN_BYTES, type ResourceLimits } from "../run/resource-limits.ts";
import type { RunOptions } from "../run/run-options.ts";
import { OWN_RUNTIME, parseRuntime, type RuntimeChoice } from "../run/runtime-choice.ts";
import {
  checkOptions,
  isAbsolutePath,
  isCount,
  isOneOf,
  isRecord,
  isSignal,
  isText,
  isTimeout,
  isVariables,
  type OptionCheck,
} from "./check-options.ts";
import { readNetwork } from "./network/read-network.ts";
import { inField, invalid } from "./option-failure.ts";
import { readSandboxMounts } from "./read-sandbox-mounts.ts";
import type { IsolationRequest, SandboxImage, SandboxOptions } from "./sandbox-options.ts";

const CHECKS: Readonly<Record<keyof SandboxOptions, OptionCheck>> = {
  image: isImage,
  isolation: isIsolation,
  env: isVariables,
  workdir: isAbsolutePath,
  user: isText,
  memory: isSize,
  disk: isSize,
  cpus: (value) => (typeof value === "number" && value >= 0.01 ? undefined : "it is a number from 0.01"),
  pids: isCount,
  timeoutMs: isTimeout,
  signal: isSignal,
  network: isNetwork,
  secrets: (value) => (typeof value === "object" && !Array.isArray(value) ? undefined : "it is an object of secrets"),
  mounts: (value) => (Array.isArray(value) ? undefined : "it is an array"),
  labels: isRecord,
};

/**
 * What a sandbox's options come to, in terms of a container that ends with its maker.
 *
 * @throws OrlopError `invalid`; `unsupported` for an isolation that is not to be had
 */
export function readSandboxOptions(options: SandboxOptions, caller: MachineView): RunOptions {
  checkOptions("create sandbox", options, CHECKS);
  if (options.image === undefined) {
    const way = 'Try the name of an image, "host", { dir } or { oci }.';
    throw new OrlopError("invalid", `Cannot create sandbox: option "image" is missing\n${way}`, { field: "image" });
  }
  const { env = {}, workdir, user, network, mounts = [], labels = {} } = options;
  return {
    image: inField("image", () => imageReference(options.image, caller.cwd)),
    imageText: imageText(options.image),
    pull: "missing",
    platform: undefined,
    quiet: true,
    // Nothing is executed until somebody asks for it.
    entrypoint: "",
    command: ["orlop-init"],
    name: undefined,
    detach: false,
    autoRemove: true,
    labels,
    restart: { name: "no" },
    stopSignal: undefined,
    stopTimeoutMs: undefined,
    log: undefined,
    detachKeys: Buffer.alloc(0),
    hostname: undefined,
    domainname: undefined,
    cidfile: undefined,
    interactive: false,
    tty: false,
    init: true,
    signalProxy: false,
    variables: Object.entries(env).map(([name, value]) => ({ name, value })),
    workdir,
    user,
    groupsToAdd: [],
    mounts: readSandboxMounts(mounts, caller),
    devices: [],
    readOnly: false,
    shmSizeBytes: undefined,
    ...readDisk(options),
    network: readNetwork(network).choice,
    exposed: [],
    publishAll: false,
    addedHosts: [],
    dns: {},
    capabilities: { add: [], drop: [], privileged: false },
    // What it begins with is all that it gets.
    security: { seccomp: "builtin", noNewPrivileges: true, systemPathsUnconfined: false },
    privileged: false,
    runtime: chooseHandler(options.isolation ?? "auto"),
    sysctl: {},
    limits: readLimits(options, caller),
    rlimits: [],
    oomScoreAdj: undefined,
  };
}

const MISSING: Readonly<Record<string, string>> = {
  wasm: "a machine of WebAssembly",
  sentry: "a kernel in a program",
  vm: "a virtual machine",
};

/** @throws OrlopError `invalid`, `unsupported` */
function chooseHandler(asked: IsolationRequest): RuntimeChoice {
  const wanted = typeof asked === "object" ? asked.min : asked;
  if (wanted === "auto" || wanted === "process") return OWN_RUNTIME;
  if (wanted.includes(":")) return inField("isolation", () => parseRuntime(wanted));
  const what = `there is no handler for it yet (${MISSING[wanted]}); here a sandbox is isolated as processes of this kernel`;
  const way =
    'Try isolation "auto", where namespaces, cgroups and a filter of system calls are enough, or "oci:PROGRAM".';
  const text = `Cannot create sandbox: isolation "${wanted}": ${what}\n${way}`;
  throw new OrlopError("unsupported", text, { field: "isolation" });
}

function imageReference(image: SandboxImage, cwd: string): ImageReference {
  if (typeof image === "string") {
    // Of the command line's other forms, those with an object of their own here.
    const [, scheme] = /^(dir|oci):/.exec(image) ?? [];
    if (scheme === undefined) return parseImageReference(image, cwd);
    throw new OrlopError("invalid", `Cannot use image "${image}": it is given as { ${scheme} }`);
  }
  if ("dir" in image) return { kind: "directory", path: resolve(cwd, image.dir), writable: image.writable ?? false };
  return { kind: "oci-layout", path: resolve(cwd, image.oci), tag: image.tag };
}

/** As the command line has it, for those who list containers. */
function imageText(image: SandboxImage): string {
  if (typeof image === "string") return image;
  if ("dir" in image) return `dir:${image.dir}${image.writable ? ":rw" : ""}`;
  return `oci:${image.oci}${image.tag === undefined ? "" : `:${image.tag}`}`;
}

function readDisk({ disk }: SandboxOptions): Pick<RunOptions, "storageSizeMaxBytes"> {
  const size = typeof disk === "string" ? inField("disk", () => parseByteSize(disk)) : disk;
  if (size === 0) throw invalid("disk", "it is more than 0 bytes");
  return size === undefined ? {} : { storageSizeMaxBytes: size };
}

function readLimits({ memory, cpus, pids }: SandboxOptions, machine: MachineView): ResourceLimits {
  const limit = typeof memory === "string" ? inField("memory", () => parseByteSize(memory)) : memory;
  if (limit !== undefined && limit < MEMORY_MIN_BYTES) {
    throw invalid("memory", `it is less than ${MEMORY_MIN_BYTES} bytes, with which nothing starts`);
  }
  if (cpus !== undefined && cpus > machine.cpuCount) throw invalid("cpus", `this machine has ${machine.cpuCount}`);
  return {
    // No swap on top: what is asked for is all that there is.
    ...(limit === undefined ? {} : { memory: { limit, ...(machine.swapLimits ? { swap: limit } : {}) } }),
    ...(cpus === undefined ? {} : { cpu: cpuBandwidth(cpus) }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

function isSize(value: unknown): string | undefined {
  return typeof value === "string" ? isText(value) : isCount(value);
}

function isImage(value: unknown): string | undefined {
  if (typeof value === "string") return isText(value);
  const what = 'it is the name of an image, "host", { dir, writable? } or { oci, tag? }';
  if (typeof value !== "object" || value === null) return what;
  const { dir, writable, oci, tag, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0 || (dir === undefined) === (oci === undefined)) return what;
  const fits =
    dir === undefined
      ? isText(oci) === undefined && (tag === undefined || isText(tag) === undefined) && writable === undefined
      : isText(dir) === undefined && (writable === undefined || typeof writable === "boolean") && tag === undefined;
  return fits ? undefined : what;
}

function isIsolation(value: unknown): string | undefined {
  const what =
    'it is "auto", "process", "vm", "oci:PROGRAM", "shim:NAME" or { min: "process", "wasm", "sentry" or "vm" }';
  if (typeof value === "string") return /^(auto|process|vm|(oci|shim):.+)$/.test(value) ? undefined : what;
  if (typeof value !== "object" || value === null) return what;
  const { min, ...others } = value as Readonly<Record<string, unknown>>;
  return Object.keys(others).length === 0 && isOneOf("process", ...Object.keys(MISSING))(min) === undefined
    ? undefined
    : what;
}

function isNetwork(value: unknown): string | undefined {
  if (typeof value === "string") return isText(value);
  const what = "it is none, host, the name of a network, or { name?, allow? }";
  return typeof value === "object" && value !== null ? undefined : what;
}
