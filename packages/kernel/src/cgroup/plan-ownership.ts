import { readFileSync } from "node:fs";
import type { ChownCgroup } from "./cgroup-plan.ts";

/** The user that the container's version 2 cgroup is handed to. */
export interface CgroupOwner {
  /** On the host: what the container's user is mapped to. */
  readonly uid: number;
  /** Files of the cgroup that the user may have; see {@link readDelegateFiles}. */
  readonly files: readonly string[];
}

/** For kernels before 4.15, which do not list them (config-linux.md, "Cgroup ownership"). */
const DELEGATE_FILES = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];

/** The files that the kernel says are safe to hand to a user, from /sys/kernel/cgroup/delegate. */
export function readDelegateFiles(path: string = "/sys/kernel/cgroup/delegate"): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    return DELEGATE_FILES;
  }
}

/** Hands a cgroup to its user; files that this cgroup does not have are passed over. */
export function chownOperations(directory: string, owner: CgroupOwner | undefined): ChownCgroup[] {
  if (owner === undefined) return [];
  const reason = "Lets the container make cgroups of its own below this one";
  const step = { kind: "chown", stage: "leaf", directory, uid: owner.uid, reason, field: undefined } as const;
  const absent = [{ errno: "ENOENT", because: "this cgroup has no such file" }];
  return [
    { ...step, file: undefined, tolerate: [] },
    ...owner.files.map((file) => ({ ...step, file, tolerate: absent })),
  ];
}
