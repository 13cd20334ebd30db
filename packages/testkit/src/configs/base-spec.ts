import type { Linux, Mount, Process, RuntimeSpec } from "@orlop/core";
import type { ConfigContext, DifferentialConfig } from "../differential/differential-config.ts";
import { PROBE_PATH } from "../probe/probe-script.ts";

/** What docker and containerd leave to a container. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

const mounts: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  },
];

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/**
 * The config that every case starts from: what engines ask for, as root, with a writable root file system. The probe
 * is its program.
 */
export function baseSpec({ id }: Pick<ConfigContext, "id">): RuntimeSpec {
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: ["/bin/busybox", "sh", PROBE_PATH],
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: {
        bounding: defaultCapabilities,
        effective: defaultCapabilities,
        permitted: defaultCapabilities,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    },
    root: { path: "rootfs" },
    hostname: "differential",
    mounts,
    linux: {
      cgroupsPath: `/${id}`,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }],
      maskedPaths,
      readonlyPaths,
    },
  };
}

export function withProcess(spec: RuntimeSpec, changes: Partial<Process>): RuntimeSpec {
  const { process = { user: { uid: 0, gid: 0 }, args: [], cwd: "/" } } = spec;
  return { ...spec, process: { ...process, ...changes } };
}

export function withLinux(spec: RuntimeSpec, changes: Partial<Linux>): RuntimeSpec {
  return { ...spec, linux: { ...spec.linux, ...changes } };
}

/** Adds mounts after the usual ones. */
export function withMounts(spec: RuntimeSpec, ...added: readonly Mount[]): RuntimeSpec {
  return { ...spec, mounts: [...(spec.mounts ?? []), ...added] };
}

/** Replaces the options of the usual mount at this place. */
export function withMountOptions(spec: RuntimeSpec, destination: string, options: readonly string[]): RuntimeSpec {
  const change = (mount: Mount): Mount => (mount.destination === destination ? { ...mount, options } : mount);
  return { ...spec, mounts: (spec.mounts ?? []).map(change) };
}

/** A case that only changes members of `process`. */
export function processConfig(
  name: string,
  exercises: string,
  changes: Partial<Process>,
  more: Partial<DifferentialConfig> = {},
): DifferentialConfig {
  return { name, exercises, make: (context) => withProcess(baseSpec(context), changes), ...more };
}

/** A case that only changes members of `linux`. */
export function linuxConfig(
  name: string,
  exercises: string,
  changes: Partial<Linux>,
  more: Partial<DifferentialConfig> = {},
): DifferentialConfig {
  return { name, exercises, make: (context) => withLinux(baseSpec(context), changes), ...more };
}

/** A case that only adds mounts; `prepare` makes their sources. */
export function mountConfig(
  name: string,
  exercises: string,
  added: (context: ConfigContext) => readonly Mount[],
  more: Partial<DifferentialConfig> = {},
): DifferentialConfig {
  return { name, exercises, make: (context) => withMounts(baseSpec(context), ...added(context)), ...more };
}
