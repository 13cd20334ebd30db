import { defaultSpec, type RuntimeSpec } from "@orlop/core";
import type { CgroupPlan } from "@orlop/kernel";
import type { CreatePlan } from "./compilation.ts";
import type { HostView } from "./supervision.ts";

/** A machine that is the same everywhere, so that programs compiled for it are. */
export const FIXED_HOST: HostView = {
  architecture: "x86_64",
  uid: 0,
  gid: 0,
  rootless: false,
  pid: 4242,
  lastCapability: 40,
  bootId: "00000000-0000-0000-0000-000000000000",
  apparmor: false,
  selinux: false,
  fileKind: () => "directory",
  linkTarget: () => undefined,
};

/** A container's cgroup on a machine that has version 2 only. */
export const FIXED_CGROUP: CgroupPlan = {
  directories: [
    {
      version: 2,
      label: "unified",
      controllers: ["cpu", "memory", "pids"],
      path: "/sys/fs/cgroup/orlop/c1",
      noPrefix: false,
    },
  ],
  operations: ["/sys/fs/cgroup/orlop", "/sys/fs/cgroup/orlop/c1"].map((directory, index) => ({
    kind: "mkdir",
    stage: index === 0 ? "ancestor" : "leaf",
    directory,
    reason: "the container counts as one",
    field: "linux.cgroupsPath",
    tolerate: [{ errno: "EEXIST", because: "another container made it" }],
  })),
  join: [],
  cloneInto: "/sys/fs/cgroup/orlop/c1",
  notes: [],
  remove: ["/sys/fs/cgroup/orlop/c1"],
};

/** A container on that machine, by default the default one. */
export function fixedPlan(spec: RuntimeSpec = defaultSpec(), changes: Partial<CreatePlan> = {}): CreatePlan {
  return {
    request: { id: "c1", bundle: "/bundle", spec, stdio: { stdin: "null", stdout: "null", stderr: "null" } },
    rootfs: { kind: "directory", path: "/bundle/rootfs" },
    stateDirectory: "/run/orlop/c1",
    style: { startOnCommand: true },
    cgroup: FIXED_CGROUP,
    seccomp: undefined,
    host: FIXED_HOST,
    ...changes,
  };
}
