import type { Capabilities } from "./process.ts";
import type { Mount, RuntimeSpec } from "./runtime-spec.ts";

/**
 * What a container may do by default: podman's list, the shortest of the field. Docker and containerd also give
 * CAP_AUDIT_WRITE, CAP_MKNOD and CAP_NET_RAW, that is forged audit records, device nodes and raw sockets.
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

/** What docker, containerd or podman masks, each entry by at least one of them. A path that is not there is skipped. */
const DEFAULT_MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  // A side channel to what else runs on the machine (GHSA-6fw5-f8r9-fgfm).
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  // Power readings are a side channel (CVE-2020-8694, GHSA-jq35-85cj-fj4p).
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  "/sys/fs/selinux",
];

/** What docker, containerd and podman make read-only and do not mask. */
const DEFAULT_READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** The file systems that a Linux program expects (config-linux.md, "Default Filesystems") with the peers' options. */
const DEFAULT_MOUNTS: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
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
    // 5 is the group tty of every distribution.
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

/** Where programs are looked up when neither the image nor the user says so. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const DEFAULT_UMASK = 0o022;

/**
 * The oldest version with every member that is used here (`umask` is the newest), because the config may go to
 * another runtime: crun 1.8, Debian 12's, refuses 1.2 and 1.3.
 */
const DEFAULT_OCI_VERSION = "1.0.2";

export interface DefaultSpecOptions {
  /** `["sh"]` when absent. */
  readonly args?: readonly string[];
  /** Absolute, or relative to the bundle; `rootfs` when absent. */
  readonly rootPath?: string;
  /**
   * The numbers of the CPUs that have a directory `thermal_throttle`, which is masked: a side channel as well
   * (GHSA-6fw5-f8r9-fgfm). Only who reads /sys knows them.
   */
  readonly thermalThrottleCpus?: readonly number[];
}

/**
 * The config that containers start from: no device beside the spec's own, capabilities, masked and read-only paths
 * as strict as the strictest of docker, containerd and podman.
 *
 * Three things are left to whoever knows more. `noNewPrivileges` is off, as docker has it, because sudo and su stop
 * working under it. There is no seccomp filter, because the profile depends on the machine and the capabilities. And
 * `gid=5` of /dev/pts has to go where a user namespace does not map that group.
 */
export function defaultSpec(options: DefaultSpecOptions = {}): RuntimeSpec {
  const { args = ["sh"], rootPath = "rootfs", thermalThrottleCpus = [] } = options;
  return {
    ociVersion: DEFAULT_OCI_VERSION,
    process: {
      user: { uid: 0, gid: 0, umask: DEFAULT_UMASK },
      args,
      env: [`PATH=${DEFAULT_PATH}`],
      cwd: "/",
      capabilities: defaultCapabilities(),
    },
    root: { path: rootPath },
    mounts: DEFAULT_MOUNTS,
    linux: {
      // Everything is denied; the runtime itself allows the devices that the spec promises (null, zero, tty, ...).
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: [
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "network" },
        { type: "cgroup" },
      ],
      maskedPaths: [
        ...DEFAULT_MASKED_PATHS,
        ...thermalThrottleCpus.map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`),
      ],
      readonlyPaths: DEFAULT_READONLY_PATHS,
    },
  };
}

/**
 * Neither inheritable nor ambient ones: the first turn file capabilities of that kind into permitted ones
 * (CVE-2022-29162), the second survive the change to an ordinary user.
 */
function defaultCapabilities(): Capabilities {
  return { bounding: DEFAULT_CAPABILITIES, effective: DEFAULT_CAPABILITIES, permitted: DEFAULT_CAPABILITIES };
}
