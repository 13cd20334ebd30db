import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { type ImageReference, parseImageReference } from "../image/image-reference.ts";
import { parseByteSize } from "../run/byte-size.ts";
import type { MachineView } from "../run/machine-view.ts";
import { parseDestination, type RequestedMount } from "../run/requested-mount.ts";
import { MEMORY_MIN_BYTES, type ResourceLimits } from "../run/resource-limits.ts";
import type { RunOptions } from "../run/run-options.ts";
import { OWN_RUNTIME } from "../run/runtime-choice.ts";
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
import type { Isolation, IsolationRequest, SandboxImage, SandboxMount, SandboxOptions } from "./sandbox-options.ts";

const CHECKS: Readonly<Record<keyof SandboxOptions, OptionCheck>> = {
  image: isImage,
  isolation: isIsolation,
  env: isVariables,
  workdir: isAbsolutePath,
  user: isText,
  memory: (value) => (typeof value === "string" ? isText(value) : isCount(value)),
  cpus: (value) => (typeof value === "number" && value >= 0.01 ? undefined : "it is a number from 0.01"),
  pids: isCount,
  timeoutMs: isTimeout,
  signal: isSignal,
  network: isNetwork,
  mounts: (value) => (Array.isArray(value) ? undefined : "it is an array"),
  labels: isRecord,
};

const MOUNT_CHECKS: Readonly<Record<keyof SandboxMount, OptionCheck>> = {
  from: isText,
  to: isAbsolutePath,
  mode: isOneOf("ro", "rw"),
};

/** What sandboxes are isolated by here. */
const ISOLATION: Isolation = "process";

/**
 * What a sandbox's options come to, in terms of a container that ends with its maker.
 *
 * @throws OrlopError `invalid`; `unsupported` for an isolation that is not to be had
 */
export function readSandboxOptions(
  options: SandboxOptions,
  caller: MachineView,
): { readonly run: RunOptions; readonly isolation: Isolation } {
  checkOptions("create sandbox", options, CHECKS);
  if (options.image === undefined) {
    const way = 'Try the name of an image, "host", { dir } or { oci }.';
    throw new OrlopError("invalid", `Cannot create sandbox: option "image" is missing\n${way}`, { field: "image" });
  }
  const isolation = chooseIsolation(options.isolation ?? "auto");
  const { env = {}, workdir, user, network = "none", mounts = [], labels = {} } = options;
  const run: RunOptions = {
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
    mounts: readMounts(mounts, caller.cwd),
    devices: [],
    readOnly: false,
    shmSizeBytes: undefined,
    network: { kind: network },
    exposed: [],
    publishAll: false,
    addedHosts: [],
    dns: {},
    capabilities: { add: [], drop: [], privileged: false },
    // What it begins with is all that it gets.
    security: { seccomp: "builtin", noNewPrivileges: true, systemPathsUnconfined: false },
    privileged: false,
    runtime: OWN_RUNTIME,
    sysctl: {},
    limits: readLimits(options, caller),
    rlimits: [],
    oomScoreAdj: undefined,
  };
  return { run, isolation };
}

/** @throws OrlopError `unsupported` */
function chooseIsolation(asked: IsolationRequest): Isolation {
  const wanted = typeof asked === "object" ? asked.min : asked;
  if (wanted !== "vm") return ISOLATION;
  const what = "there is no virtual machine to run it in yet; a sandbox is isolated as processes of this kernel";
  const way = 'Try isolation "auto", where namespaces, cgroups and a filter of system calls are enough.';
  throw new OrlopError("unsupported", `Cannot create sandbox: isolation "vm": ${what}\n${way}`, { field: "isolation" });
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

function readMounts(mounts: readonly SandboxMount[], cwd: string): readonly RequestedMount[] {
  const seen = new Set<string>();
  return mounts.map((mount, index) => {
    const field = `mounts[${index}]`;
    checkOptions(`create sandbox: option "${field}"`, mount, MOUNT_CHECKS);
    const { from, to, mode = "ro" } = mount;
    if (from === undefined || to === undefined) throw invalid(field, "it needs both from and to");
    const destination = inField(field, () => parseDestination(to));
    if (seen.has(destination)) throw invalid(field, `there is another mount at ${destination}`);
    seen.add(destination);
    const options = ["rbind", ...(mode === "ro" ? ["rro"] : []), "rprivate"];
    return { mount: { destination, type: "bind", source: resolve(cwd, from), options } };
  });
}

const CPU_PERIOD_MICROSECONDS = 100_000;

function readLimits({ memory, cpus, pids }: SandboxOptions, machine: MachineView): ResourceLimits {
  const limit = typeof memory === "string" ? inField("memory", () => parseByteSize(memory)) : memory;
  if (limit !== undefined && limit < MEMORY_MIN_BYTES) {
    throw invalid("memory", `it is less than ${MEMORY_MIN_BYTES} bytes, with which nothing starts`);
  }
  if (cpus !== undefined && cpus > machine.cpuCount) throw invalid("cpus", `this machine has ${machine.cpuCount}`);
  const quota = cpus === undefined ? undefined : Math.round(cpus * CPU_PERIOD_MICROSECONDS);
  return {
    // No swap on top: what is asked for is all that there is.
    ...(limit === undefined ? {} : { memory: { limit, ...(machine.swapLimits ? { swap: limit } : {}) } }),
    ...(quota === undefined ? {} : { cpu: { period: CPU_PERIOD_MICROSECONDS, quota } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
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
  const what = 'it is "auto", "process", "vm" or { min } with one of the last two';
  if (typeof value !== "object" || value === null) return isOneOf("auto", "process", "vm")(value) && what;
  const { min, ...others } = value as Readonly<Record<string, unknown>>;
  return Object.keys(others).length === 0 && isOneOf("process", "vm")(min) === undefined ? undefined : what;
}

function isNetwork(value: unknown): string | undefined {
  if (typeof value === "object") return "a sandbox cannot be connected with a network yet: it is none or host";
  return isOneOf("none", "host")(value);
}

function inField<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    throw new OrlopError(error.code, `Cannot create sandbox: option "${field}": ${error.message}`, {
      field,
      cause: error,
    });
  }
}

function invalid(field: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot create sandbox: option "${field}": ${what}`, { field });
}
