import { release, totalmem } from "node:os";
import type { Container } from "@orlop/engine";
import type { CgroupLayout } from "@orlop/kernel";
import { Dictionary, NIL_LIST, type Struct, type Value } from "../format/template/value.ts";
import { documentOf } from "../inspect/document-of.ts";
import type { MachineView } from "../run/machine-view.ts";

interface InfoSources {
  readonly containers: readonly Container[];
  readonly imageCount: number;
  readonly snapshotter: string;
  readonly root: string;
  readonly machine: MachineView;
  readonly cgroups: CgroupLayout;
  readonly version: string;
  /** `PRETTY_NAME` of os-release(5). */
  readonly system: string;
  readonly networkDrivers: readonly string[];
  readonly nowMs: number;
}

/** What there is on this machine, with the fields of docker's `info` that mean something here. */
export function infoDocument(sources: InfoSources): Struct {
  const { containers, imageCount, snapshotter, root, machine, cgroups, version, system, nowMs } = sources;
  const count = (...statuses: readonly string[]): number =>
    containers.filter(({ state }) => statuses.includes(state.status)).length;
  const running = count("running");
  const paused = count("paused");
  const has = (controller: string): boolean => controllersOf(cgroups).has(controller);
  return documentOf({
    ID: machine.hostname,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: containers.length - running - paused,
    Images: imageCount,
    Driver: snapshotter,
    DriverStatus: [],
    Plugins: documentOf({
      Volume: ["local"],
      Network: sources.networkDrivers,
      Authorization: NIL_LIST,
      Log: ["file", "none", "passthrough"],
    }),
    MemoryLimit: has("memory"),
    SwapLimit: machine.swapLimits,
    CpuCfsPeriod: has("cpu"),
    CpuCfsQuota: has("cpu"),
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    OomKillDisable: false,
    SystemTime: new Date(nowMs).toISOString(),
    LoggingDriver: "file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: cgroups.mode === "v2" ? "2" : "1",
    KernelVersion: release(),
    OperatingSystem: system,
    OSType: "linux",
    Architecture: machineName(process.arch),
    NCPU: machine.cpuCount,
    MemTotal: totalmem(),
    DockerRootDir: root,
    Name: machine.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: new Dictionary([["process", documentOf({ path: "orlop" })]]),
    DefaultRuntime: "process",
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "orlop",
    SecurityOptions: securityOptions(machine),
    Warnings: warnings(cgroups),
  });
}

/** As uname(2) says it, and docker with it. */
function machineName(arch: string): string {
  return arch === "x64" ? "x86_64" : arch === "arm64" ? "aarch64" : arch;
}

function controllersOf({ v1, v2 }: CgroupLayout): ReadonlySet<string> {
  return new Set([...v1, ...(v2 === undefined ? [] : [v2])].flatMap(({ controllers }) => controllers));
}

function securityOptions({ modules, rootless }: MachineView): readonly Value[] {
  return [
    ...(modules.apparmor ? ["name=apparmor"] : []),
    ...(modules.selinux ? ["name=selinux"] : []),
    "name=seccomp,profile=builtin",
    ...(rootless ? ["name=rootless"] : []),
  ];
}

function warnings(layout: CgroupLayout): Value {
  const known = controllersOf(layout);
  const lacking = ["memory", "cpu", "cpuset", "pids"].filter((controller) => !known.has(controller));
  return lacking.length === 0 ? NIL_LIST : lacking.map((controller) => `WARNING: No ${controller} limit support`);
}
