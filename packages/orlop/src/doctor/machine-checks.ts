import { imageObstacle, USER_OVERLAY_PARAMETER, upperObstacle, userOverlayObstacle } from "@orlop/snapshot";
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
    imagesCheck(host),
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
  if (isAtLeast(kernelRelease, KERNEL_MIN)) return ok("kernel", `Linux ${kernelRelease}`);
  return failure(
    "kernel",
    `Linux ${kernelRelease}`,
    `containers need Linux ${KERNEL_MIN.join(".")} or newer`,
    "a newer kernel of your distribution: apt-get install linux-image-amd64",
  );
}

function isAtLeast(kernelRelease: string, [majorMin, minorMin]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = kernelRelease.split(/[.-]/).map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
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

/** File systems of the kernel mount a file without a loop device. */
const EROFS_KERNEL_MIN = [6, 12] as const;

/** What layers of images become here, as `Depot` chooses it. */
function imagesCheck(host: DoctorHost): Finding {
  const name = "images";
  const { snapshotter, snapshotterProblem, uid, kernelRelease, imageFileSystem } = host;
  if (snapshotterProblem !== undefined) {
    const [found = "", way] = snapshotterProblem.split("\n");
    const fix = way === undefined ? [] : [way.replace(/^Try (to )?|\.$/g, "")];
    const why = "no image can be pulled, loaded or run with it";
    return warning(name, found, why, [...fix, "no ORLOP_SNAPSHOTTER at all"].join(", or "));
  }
  if (snapshotter !== undefined) return ok(name, `layers are kept by ${snapshotter}, as ORLOP_SNAPSHOTTER says`);
  const noUpper = upperObstacle(imageFileSystem);
  if (noUpper !== undefined) return copies(noUpper, "ORLOP_ROOT on another file system");
  if (uid !== 0) {
    const found = "layers are directories under overlay; mounting them as EROFS images is for root";
    const why = userOverlayObstacle({ release: kernelRelease, permitted: host.readText(USER_OVERLAY_PARAMETER) ?? "" });
    return why === undefined ? ok(name, found) : copies(why, "a newer kernel, or orlop as root");
  }
  const inMemory = imageObstacle(imageFileSystem);
  const isNew = isAtLeast(kernelRelease, EROFS_KERNEL_MIN);
  const unpacked = "images are unpacked file by file where a mount would do";
  if (isNew && knowsFileSystem(host, "erofs")) {
    if (inMemory === undefined) return ok(name, "layers are mounted as EROFS images");
    return warning(name, `layers are directories under overlay: ${inMemory}`, unpacked, "ORLOP_ROOT on a disk");
  }
  const lack = isNew ? "the kernel does not know erofs" : "EROFS images are mounted from Linux 6.12 on";
  return warning(
    name,
    `layers are directories under overlay: ${lack}`,
    unpacked,
    isNew ? "modprobe erofs, or a kernel with CONFIG_EROFS_FS" : "a newer kernel, with CONFIG_EROFS_FS_BACKED_BY_FILE",
  );
}

function copies(why: string, fix: string): Finding {
  const found = `each container has a copy of its image's files (native): ${why}`;
  return warning("images", found, "a copy takes time, and room where files cannot be reflinked", fix);
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
