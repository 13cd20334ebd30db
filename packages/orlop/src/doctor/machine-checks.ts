import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

const NODE_MAJOR_MIN = 24;
/** Older calls stand in for mount_setattr(2), which came with 5.12; for what is older than this nothing does. */
const KERNEL_MIN = [5, 10] as const;

/** Node, processor and kernel. */
export function machineChecks(host: DoctorHost): readonly Finding[] {
  return [
    nodeCheck(host),
    processorCheck(host),
    kernelCheck(host),
    overlayCheck(host),
    erofsCheck(host),
    seccompCheck(host),
    securityModuleCheck(host),
  ];
}

function nodeCheck({ nodeVersion }: DoctorHost): Finding {
  if (Number.parseInt(nodeVersion, 10) >= NODE_MAJOR_MIN) return ok("Node.js", nodeVersion);
  return failure(
    "Node.js",
    nodeVersion,
    `orlop needs version ${NODE_MAJOR_MIN} or newer`,
    "npm ci in a checkout, which brings its own Node.js, or one from https://nodejs.org",
  );
}

function processorCheck({ architecture }: DoctorHost): Finding {
  if (architecture === "x64" || architecture === "arm64") return ok("processor", architecture);
  return failure("processor", architecture, "the machine that executes programs exists for x64 and arm64 only");
}

function kernelCheck({ kernelRelease }: DoctorHost): Finding {
  const [major = 0, minor = 0] = kernelRelease.split(/[.-]/).map(Number);
  const [majorMin, minorMin] = KERNEL_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return ok("kernel", `Linux ${kernelRelease}`);
  return failure(
    "kernel",
    `Linux ${kernelRelease}`,
    `containers need Linux ${majorMin}.${minorMin} or newer`,
    "a newer kernel of your distribution: apt-get install linux-image-amd64",
  );
}

function knowsFileSystem(host: DoctorHost, name: string): boolean {
  const known = host.readText("/proc/filesystems") ?? "";
  if (known.split("\n").some((line) => line.endsWith(`\t${name}`))) return true;
  // One that is not loaded yet is loaded by the first mount.
  const modules = host.readText(`/lib/modules/${host.kernelRelease}/modules.dep`) ?? "";
  return modules.includes(`/${name}.ko`);
}

function overlayCheck(host: DoctorHost): Finding {
  if (knowsFileSystem(host, "overlay")) return ok("overlay", "known to the kernel");
  return failure(
    "overlay",
    "not known to the kernel",
    "the image host and directories as images lie under an overlay that takes what is written",
    host.uid === 0 ? "modprobe overlay" : "sudo modprobe overlay",
  );
}

function erofsCheck(host: DoctorHost): Finding {
  if (knowsFileSystem(host, "erofs")) return ok("erofs", "known to the kernel");
  return warning(
    "erofs",
    "not known to the kernel",
    "images will be unpacked file by file where a mount would do",
    "modprobe erofs, or a kernel with CONFIG_EROFS_FS",
  );
}

/** What the default profile and the configs of other tools use. */
const SECCOMP_ACTIONS = ["kill_process", "errno", "allow"] as const;
const SECCOMP_EXTRA_ACTIONS = ["user_notif", "log", "trace", "trap", "kill_thread"] as const;

function seccompCheck(host: DoctorHost): Finding {
  const available = new Set((host.readText("/proc/sys/kernel/seccomp/actions_avail") ?? "").trim().split(/\s+/));
  const missing = SECCOMP_ACTIONS.filter((action) => !available.has(action));
  if (missing.length > 0) {
    return failure(
      "seccomp",
      `without ${missing.join(", ")}`,
      "the default filter cannot be installed",
      "a kernel with CONFIG_SECCOMP_FILTER; until then --security-opt seccomp=unconfined",
    );
  }
  const extra = SECCOMP_EXTRA_ACTIONS.filter((action) => !available.has(action));
  if (extra.length === 0) return ok("seccomp", "every action");
  return warning("seccomp", `without ${extra.join(", ")}`, "profiles that use these actions are refused");
}

function securityModuleCheck(host: DoctorHost): Finding {
  const active = (host.readText("/sys/kernel/security/lsm") ?? "").trim();
  const found = ["apparmor", "selinux"].filter((name) => active.split(",").includes(name));
  return ok("security modules", found.length === 0 ? "neither AppArmor nor SELinux; none is needed" : found.join(", "));
}
