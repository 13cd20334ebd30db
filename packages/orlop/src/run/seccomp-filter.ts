import { type LinuxSeccomp, OrlopError } from "@orlop/core";
import { defaultSeccompProfile, hostArchitecture } from "@orlop/kernel";
import type { MachineView } from "./machine-view.ts";
import type { RunOptions } from "./run-options.ts";

/**
 * The filter that `--security-opt seccomp=` asks for, the default profile when it is not given, for a container with
 * these capabilities; none for a privileged container.
 *
 * @throws OrlopError
 */
export function seccompFilter(
  { security, privileged }: Pick<RunOptions, "security" | "privileged">,
  { kernelRelease }: Pick<MachineView, "kernelRelease">,
  capabilities: readonly string[],
): LinuxSeccomp | undefined {
  const { seccomp } = security;
  if (typeof seccomp === "object") {
    throw new OrlopError("unsupported", `Cannot use seccomp profile "${seccomp.path}": files are not read yet`);
  }
  if (seccomp === "unconfined" || privileged) return undefined;
  return defaultSeccompProfile({
    arch: hostArchitecture() === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64",
    capabilities,
    kernelVersion: kernelRelease,
  });
}
