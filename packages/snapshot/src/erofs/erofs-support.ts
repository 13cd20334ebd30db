import { readFileSync } from "node:fs";
import { release } from "node:os";

/** What tells whether the kernel mounts an EROFS image from a plain file. */
interface KernelFacts {
  /** As uname(2) has it. */
  readonly release: string;
  /** /proc/filesystems, and modules.dep of the kernel's modules. */
  readonly filesystems: string;
  readonly modules: string;
  /** /proc/self/uid_map: only root of the machine may mount it. */
  readonly uidMap: string;
}

/** Why images cannot be mounted here, in words that fit after "because"; undefined where they can. */
export function erofsObstacle(facts: KernelFacts = readFacts()): string | undefined {
  const [major = 0, minor = 0] = facts.release.split(".").map(Number.parseFloat);
  // CONFIG_EROFS_FS_BACKED_BY_FILE.
  if (major < 6 || (major === 6 && minor < 12)) return `Linux ${facts.release} is older than 6.12`;
  if (!/\terofs$/m.test(facts.filesystems) && !/\/erofs\.ko/.test(facts.modules)) return "the kernel has no erofs";
  if (!/^\s*0\s+0\s+4294967295\s*$/.test(facts.uidMap)) return "this is not root of the machine";
  return undefined;
}

function readFacts(): KernelFacts {
  const filesystems = readOrEmpty("/proc/filesystems");
  const modules = filesystems.includes("\terofs\n") ? "" : readOrEmpty(`/lib/modules/${release()}/modules.dep`);
  return { release: release(), filesystems, modules, uidMap: readOrEmpty("/proc/self/uid_map") };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
