import { readFileSync } from "node:fs";
import { decodeSeccompProfile, type LinuxSeccomp } from "@orlop/core";
import {
  defaultSeccompProfile,
  hostArchitecture,
  resolveSeccompProfile,
  type SeccompProfileTarget,
  systemFailure,
} from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { MachineView } from "./machine-view.ts";
import type { RunOptions } from "./run-options.ts";

/**
 * The filter that `--security-opt seccomp=` asks for, the default profile when it is not given, for a container with
 * these capabilities; none for a privileged container that names none.
 *
 * @throws OrlopError
 */
export function seccompFilter(
  { security, privileged }: Pick<RunOptions, "security" | "privileged">,
  { kernelRelease }: Pick<MachineView, "kernelRelease">,
  capabilities: readonly string[],
): LinuxSeccomp | undefined {
  const { seccomp } = security;
  const target: SeccompProfileTarget = {
    arch: hostArchitecture() === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64",
    capabilities,
    kernelVersion: kernelRelease,
  };
  if (typeof seccomp === "object") {
    return resolveSeccompProfile(decodeSeccompProfile(readProfile(seccomp.path)), target);
  }
  return seccomp === "unconfined" || privileged ? undefined : knownProfile(target);
}

/** Containers with the same capabilities have the very same profile, which whoever compiles it knows again. */
let last: { readonly key: string; readonly profile: LinuxSeccomp } | undefined;

function knownProfile(target: SeccompProfileTarget): LinuxSeccomp {
  const key = JSON.stringify(target);
  if (last?.key !== key) last = { key, profile: defaultSeccompProfile(target) };
  return last.profile;
}

function readProfile(path: string): Buffer {
  try {
    return readFileSync(caller().path(path));
  } catch (cause) {
    throw systemFailure(`read seccomp profile "${path}"`, cause, "linux.seccomp");
  }
}
