import { isSystemdRunning } from "@orlop/kernel";
import type { ProcessRuntimeOptions } from "@orlop/runtime";

/**
 * The process that uses the library is somebody else's, and stays where it is. Where cgroups cannot be made and entered from
 * there, those processes of ours go elsewhere that make containers; see enter-own-cgroup.ts.
 */
export function zygotePlace(): Pick<ProcessRuntimeOptions, "enterOwnCgroup"> {
  if (process.geteuid?.() === 0 || !isSystemdRunning()) return {};
  return {
    async enterOwnCgroup(pid) {
      const { enterOwnCgroup } = await import("../run/enter-own-cgroup.ts");
      return await enterOwnCgroup(pid, process.env);
    },
  };
}
