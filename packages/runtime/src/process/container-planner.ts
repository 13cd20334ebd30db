import { isAbsolute, join } from "node:path";
import type { Capabilities, CreateRequest, Process, RootFilesystem, RuntimeSpec } from "@orlop/core";
import {
  CAPABILITIES,
  type CgroupDriver,
  type CgroupLayout,
  nativeSeccompArch,
  parseCgroupsPath,
  planCgroup,
  readCgroupLayout,
  type SeccompProgram,
  SeccompProgramCache,
} from "@orlop/kernel";
import { cgroupOwner } from "./cgroup-owner.ts";
import type { CreatePlan, CreateStyle } from "./compilation.ts";
import { passwdFiles, withHome } from "./home-directory.ts";
import { readHostView } from "./host-view.ts";
import type { HostView } from "./supervision.ts";

/** Turns requests into plans: adds what this machine decides, and keeps what many containers share. */
export class ContainerPlanner {
  readonly host: HostView = readHostView();
  readonly #driver: Exclude<CgroupDriver, "systemd">;
  readonly #filters = new SeccompProgramCache();
  #layout: CgroupLayout | undefined;

  constructor(driver: Exclude<CgroupDriver, "systemd">) {
    this.#driver = driver;
  }

  plan(request: CreateRequest, stateDirectory: string, style: CreateStyle): CreatePlan {
    const rootfs = request.rootfs ?? directoryRoot(request);
    const spec = completeSpec(request.spec, rootfs);
    const rootless = this.host.uid !== 0;
    const location = parseCgroupsPath(spec.linux?.cgroupsPath, {
      driver: this.#driver,
      containerId: request.id,
      rootless,
    });
    this.#layout ??= readCgroupLayout();
    return {
      request: { ...request, spec },
      rootfs,
      stateDirectory,
      style,
      cgroup: planCgroup(this.#layout, location, spec.linux?.resources ?? {}, { rootless, ...cgroupOwner(spec) }),
      seccomp: this.#seccomp(spec),
      host: this.host,
    };
  }

  /** Drops what was read of the machine: after a failure it may be what has changed. */
  forgetMachine(): void {
    this.#layout = undefined;
  }

  #seccomp({ linux }: RuntimeSpec): SeccompProgram | undefined {
    if (linux?.seccomp === undefined) return undefined;
    return this.#filters.compile(linux.seccomp, { nativeArch: nativeSeccompArch(this.host.architecture) });
  }
}

function completeSpec(spec: RuntimeSpec, rootfs: RootFilesystem): RuntimeSpec {
  if (spec.process === undefined) return spec;
  warnOfUnknownCapabilities(spec.process);
  return { ...spec, process: withHome(spec.process, passwdFiles(spec, rootfs)) };
}

/** "Any value which cannot be mapped to a relevant kernel interface MUST be logged as a warning" (config.md). */
export function warnOfUnknownCapabilities({ capabilities = {} }: Process): void {
  const sets: readonly (keyof Capabilities)[] = ["bounding", "effective", "inheritable", "permitted", "ambient"];
  const unknown = new Set(
    sets.flatMap((set) => capabilities[set] ?? []).filter((name) => !CAPABILITIES.includes(name)),
  );
  if (unknown.size === 0) return;
  process.emitWarning(`Cannot give capability "${[...unknown].join('", "')}": no such capability; it is left out`, {
    code: "ORLOP_CAPABILITY",
  });
}

function directoryRoot({ spec, bundle }: CreateRequest): RootFilesystem {
  const { path } = spec.root;
  return { kind: "directory", path: isAbsolute(path) ? path : join(bundle, path) };
}
