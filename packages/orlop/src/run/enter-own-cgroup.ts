import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  isSystemdRunning,
  readCgroupLayout,
  SystemdConnection,
  type SystemdUnit,
  systemdAddresses,
  systemdProperty,
} from "@orlop/kernel";
import { mayHaveCgroup } from "./may-have-cgroup.ts";

const RANDOM_BYTES = 4;

/**
 * Has an ordinary user's own systemd take a process out of a cgroup that is not the user's, as that of a login is, into a scope,
 * as podman does: beside the scope cgroups of containers can be made, and from there they can be entered, whoever made them
 * (cgroup-v2.rst, "Delegation Containment"). Where there is version 1 or no such systemd, nothing happens: what cannot be
 * without a cgroup is refused later, with the reason.
 *
 * @param pid of this user's
 * @returns the text of its /proc/self/cgroup from now on, if it has been moved
 */
export async function enterOwnCgroup(pid: number, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0 || !isSystemdRunning()) return undefined;
  try {
    const layout = readCgroupLayout(cgroupsOf(pid));
    if (layout.mode !== "v2" || mayHaveCgroup(layout, "any")) return undefined;
    using systemd = await SystemdConnection.connect(systemdAddresses(true, env, uid));
    await systemd.startTransientUnit(ownScope(pid), [pid]);
    return cgroupsOf(pid);
  } catch {
    // The process has gone, or nobody is there who could, or would: a container without limits needs no cgroup.
    return undefined;
  }
}

function cgroupsOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cgroup`, "utf8");
}

function ownScope(pid: number): SystemdUnit {
  return {
    // A number is used again while the scope of its last process is still there.
    name: `orlop-${pid}-${randomBytes(RANDOM_BYTES).toString("hex")}.scope`,
    properties: [
      systemdProperty("Description", "s", "orlop and what it starts"),
      systemdProperty("Delegate", "b", true),
      systemdProperty("CollectMode", "s", "inactive-or-failed"),
    ],
  };
}
