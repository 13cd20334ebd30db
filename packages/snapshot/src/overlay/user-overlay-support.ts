import { readFileSync } from "node:fs";
import { release } from "node:os";

/** What tells whether the kernel lets an ordinary user mount overlay in a user namespace of his. */
interface KernelFacts {
  /** As uname(2) has it. */
  readonly release: string;
  /** Debian's kernels before 5.11 have this parameter of overlay. */
  readonly permitted: string;
}

/** A file of sysfs. */
export const USER_OVERLAY_PARAMETER = "/sys/module/overlay/parameters/permit_mounts_in_userns";

/** Why an ordinary user cannot mount overlay here, in words that fit after "because"; undefined where he can. */
export function userOverlayObstacle(facts: KernelFacts = readFacts()): string | undefined {
  const [major = 0, minor = 0] = facts.release.split(".").map(Number.parseFloat);
  if (major > 5 || (major === 5 && minor >= 11) || facts.permitted.startsWith("Y")) return undefined;
  return `in an ordinary user's container overlay needs Linux 5.11, and this is ${facts.release}`;
}

function readFacts(): KernelFacts {
  return { release: release(), permitted: readOrEmpty(USER_OVERLAY_PARAMETER) };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
