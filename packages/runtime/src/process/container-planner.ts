import { isAbsolute, join } from "node:path";
import {
  type Capabilities,
  type CreateRequest,
  type LinuxResources,
  OrlopError,
  type Process,
  type RootFilesystem,
  type RuntimeSpec,
} from "@orlop/core";
import {
  CAPABILITIES,
  type CgroupDriver,
  type CgroupLayout,
  type CgroupLocation,
  nativeSeccompArch,
  parseCgroupsPath,
  planCgroup,
  readCgroupLayout,
  type SeccompProgram,
  type SeccompProgramCache,
  unitResources,
} from "@orlop/kernel";
import { planResctrl, withResctrl } from "../resctrl/plan-resctrl.ts";
import { resctrlMount } from "../resctrl/resctrl-mount.ts";
import { type PlannedUnit, planContainerUnit, type SystemdView } from "../systemd/container-unit.ts";
import { warnOfIdleWeight } from "../systemd/idle-weight.ts";
import { warnOfBindOptions } from "./bind-options.ts";
import { cgroupOwner } from "./cgroup-owner.ts";
import type { CreatePlan, CreateStyle } from "./compilation.ts";
import { warnOfDeviceAccess } from "./device-access.ts";
import { passwdFiles, withHome } from "./home-directory.ts";
import { KeptWork } from "./keep-programs.ts";
import type { HostView } from "./supervision.ts";
import { type Warn, warnByProcess } from "./warn.ts";

interface PlannerOptions {
  readonly driver: CgroupDriver;
  /** Absent: if the user is not the real root. */
  readonly rootless?: boolean | undefined;
  /** The text of /proc/self/cgroup of who makes containers, if not this process. */
  readonly ownCgroups?: string | undefined;
  /** Takes what the user should know; a warning of the process otherwise. */
  readonly warn?: Warn | undefined;
  /** Seccomp listeners are told of containers as by crun: also where nothing notifies, and in its version. */
  readonly listensAsCrun?: boolean | undefined;
  /** Where resctrl is mounted, for tests; absent: where this machine has it. */
  readonly resctrl?: string | undefined;
  /** What was read of this machine and compiled before; absent: nothing. */
  readonly kept?: KeptWork | undefined;
}

/** Turns requests into plans: adds what this machine decides, and keeps what many containers share. */
export class ContainerPlanner {
  readonly host: HostView;
  readonly #options: PlannerOptions;
  readonly #filters: SeccompProgramCache;
  #ownCgroups: string | undefined;
  #layout: CgroupLayout | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#ownCgroups = options.ownCgroups;
    const { kept = new KeptWork() } = options;
    this.host = kept.host;
    this.#filters = kept.filters;
  }

  /** Whether what only root may do with cgroups is left out where it fails. */
  get rootless(): boolean {
    return this.#options.rootless ?? this.host.rootless;
  }

  /** The cgroup hierarchies that containers are put into. */
  get cgroupLayout(): CgroupLayout {
    this.#layout ??= readCgroupLayout(this.#ownCgroups);
    return this.#layout;
  }

  /** The text of /proc/self/cgroup of who makes containers from now on; undefined: this process. */
  set ownCgroups(text: string | undefined) {
    if (text === this.#ownCgroups) return;
    this.#ownCgroups = text;
    this.#layout = undefined;
  }

  /** @param systemd who makes the cgroups, with the driver of that name */
  plan(request: CreateRequest, stateDirectory: string, style: CreateStyle, systemd?: SystemdView): CreatePlan {
    const rootfs = request.rootfs ?? directoryRoot(request);
    const spec = completeSpec(request.spec, rootfs, this.#options.warn);
    const { rootless, host } = this;
    const { driver } = this.#options;
    const options = { driver, containerId: request.id, rootless: host.rootless };
    const location = parseCgroupsPath(spec.linux?.cgroupsPath, options);
    const wanted = spec.linux?.resources ?? {};
    const resources = location.kind === "systemd" ? unitResources(wanted) : wanted;
    const managed = systemd === undefined ? {} : { managerCgroup: systemd.controlGroup };
    const unit = this.#unit(request.id, spec, resources, location, systemd);
    const cgroup = planCgroup(this.cgroupLayout, location, resources, { rootless, ...managed, ...cgroupOwner(spec) });
    const { intelRdt } = spec.linux ?? {};
    const resctrl =
      intelRdt === undefined ? undefined : planResctrl(request.id, intelRdt, this.#options.resctrl ?? resctrlMount());
    const plan = {
      request: { ...request, spec },
      rootfs,
      stateDirectory,
      style,
      cgroup: withResctrl(cgroup, resctrl),
      ...(resctrl === undefined ? {} : { resctrl: resctrl.group }),
      ...(unit === undefined ? {} : { unit }),
      seccomp: this.#seccomp(spec),
      host,
    };
    const { warn = warnByProcess } = this.#options;
    warnOfBindOptions(plan, warn);
    warnOfDeviceAccess(resources, warn);
    if (unit !== undefined && this.cgroupLayout.mode === "v2") warnOfIdleWeight(resources, warn);
    return plan;
  }

  #unit(
    id: string,
    { annotations = {} }: RuntimeSpec,
    resources: LinuxResources,
    location: CgroupLocation,
    systemd: SystemdView | undefined,
  ): PlannedUnit | undefined {
    if (location.kind !== "systemd") return undefined;
    if (systemd === undefined) {
      throw new OrlopError("unsupported", `Cannot plan container "${id}": only the systemd that makes it knows where`);
    }
    return planContainerUnit(location, { id, annotations, resources }, this.cgroupLayout, systemd, this.host);
  }

  /** Drops what was read of the machine: after a failure it may be what has changed. */
  forgetMachine(): void {
    this.#layout = undefined;
  }

  #seccomp({ linux, annotations = {} }: RuntimeSpec): SeccompProgram | undefined {
    if (linux?.seccomp === undefined) return undefined;
    const { listensAsCrun = false } = this.#options;
    const nativeArch = nativeSeccompArch(this.host.architecture);
    const program = this.#filters.compile(linux.seccomp, { nativeArch, listensAlways: listensAsCrun });
    if ((annotations[UNKNOWN_CALLS_FAIL] ?? "0") !== "0") refuseUnknownCalls(program.ignoredNames);
    const { listener } = program;
    if (!listensAsCrun || listener === undefined) return program;
    return { ...program, listener: { ...listener, stateVersion: CRUN_STATE_VERSION } };
  }
}

/** Of the state that crun sends to a seccomp listener, whatever the config's version is. */
const CRUN_STATE_VERSION = "0.2.0";

/** crun's: a filter with a name of no system call is an error, and not one of another kernel's time. */
const UNKNOWN_CALLS_FAIL = "run.oci.seccomp_fail_unknown_syscall";

function refuseUnknownCalls(names: readonly string[]): void {
  const [name] = names;
  if (name === undefined) return;
  throw new OrlopError(
    "invalid",
    `Cannot filter system call "${name}": there is none of that name, which annotation ${UNKNOWN_CALLS_FAIL} makes an error`,
    { field: "linux.seccomp.syscalls" },
  );
}

function completeSpec(spec: RuntimeSpec, rootfs: RootFilesystem, warn: Warn | undefined): RuntimeSpec {
  if (spec.process === undefined) return spec;
  warnOfLostCapabilities(spec.process, warn);
  return { ...spec, process: withHome(spec.process, passwdFiles(spec, rootfs)) };
}

/**
 * Of what a process asks for and does not get. "Any value which cannot be mapped to a relevant kernel interface MUST be
 * logged as a warning" (config.md); the kernel raises as ambient only what is inheritable and permitted.
 */
export function warnOfLostCapabilities({ capabilities = {} }: Process, warn: Warn = warnByProcess): void {
  const sets: readonly (keyof Capabilities)[] = ["bounding", "effective", "inheritable", "permitted", "ambient"];
  const unknown = new Set(
    sets.flatMap((set) => capabilities[set] ?? []).filter((name) => !CAPABILITIES.includes(name)),
  );
  if (unknown.size > 0) {
    warn(`Cannot give capability "${[...unknown].join('", "')}": no such capability; it is left out`);
  }
  const { ambient = [], inheritable = [], permitted = [] } = capabilities;
  for (const name of ambient) {
    if (inheritable.includes(name) && permitted.includes(name)) continue;
    // In runc's words.
    warn(`can't raise ambient capability ${name}: it is not both inheritable and permitted`);
  }
}

function directoryRoot({ spec, bundle }: CreateRequest): RootFilesystem {
  const { path } = spec.root;
  return { kind: "directory", path: isAbsolute(path) ? path : join(bundle, path) };
}
