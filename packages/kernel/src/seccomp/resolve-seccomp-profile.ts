import {
  type LinuxSeccomp,
  type LinuxSeccompArch,
  type LinuxSyscall,
  OrlopError,
  type SeccompProfile,
  type SeccompProfileFilter,
  type SeccompProfileSyscall,
} from "@orlop/core";
import { errnoNumber } from "../abi/errno.ts";

/** What decides which rules of a profile apply. */
export interface SeccompProfileTarget {
  /** The machine's own architecture. */
  readonly arch: LinuxSeccompArch;
  /** The container's bounding set, as `CAP_SYS_ADMIN`. */
  readonly capabilities: readonly string[];
  /** The kernel's release as `uname -r` prints it: `6.1.0-18-amd64`. */
  readonly kernelVersion: string;
}

type MajorMinor = readonly [major: number, minor: number];

/** Reads the first two numbers; everything after them is the distribution's. */
function parseVersion(text: string, noun: string): MajorMinor {
  const [, major, minor] = /^(\d{1,5})\.(\d{1,5})/.exec(text) ?? [];
  if (major !== undefined && minor !== undefined) return [Number(major), Number(minor)];
  throw new OrlopError("invalid", `Cannot read ${noun} "${text}": it does not begin with two numbers, such as 6.12`);
}

function isAtLeast([major, minor]: MajorMinor, [majorMin, minorMin]: MajorMinor): boolean {
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

/** The name that docker's profile has for an architecture: `amd64`, `arm64`, and libseccomp's for all others. */
function dockerArch(arch: LinuxSeccompArch): string {
  switch (arch) {
    case "SCMP_ARCH_X86_64":
      return "amd64";
    case "SCMP_ARCH_AARCH64":
      return "arm64";
    default:
      return arch.replace("SCMP_ARCH_", "").toLowerCase();
  }
}

/** The target, read. */
interface Machine {
  readonly arch: string;
  readonly capabilities: ReadonlySet<string>;
  readonly kernel: MajorMinor;
}

function includesMachine({ arches = [], caps = [], minKernel }: SeccompProfileFilter, machine: Machine): boolean {
  if (arches.length > 0 && !arches.includes(machine.arch)) return false;
  if (!caps.every((capability) => machine.capabilities.has(capability))) return false;
  return minKernel === undefined || isAtLeast(machine.kernel, parseVersion(minKernel, "kernel version"));
}

/** Unlike for `includes`, one condition that holds is enough. */
function excludesMachine({ arches = [], caps = [], minKernel }: SeccompProfileFilter, machine: Machine): boolean {
  if (arches.includes(machine.arch)) return true;
  if (caps.some((capability) => machine.capabilities.has(capability))) return true;
  return minKernel !== undefined && isAtLeast(machine.kernel, parseVersion(minKernel, "kernel version"));
}

function errnoOf(name: string | undefined, number: number | undefined, field: string): number | undefined {
  if (name === undefined) return number;
  try {
    return errnoNumber(name);
  } catch (cause) {
    throw new OrlopError("invalid", `Cannot use errno "${name}" in a seccomp profile: Linux has none of that name`, {
      field,
      cause,
    });
  }
}

function resolveSyscall({ names, action, args, errno, errnoRet }: SeccompProfileSyscall, field: string): LinuxSyscall {
  const number = errnoOf(errno, errnoRet, `${field}.errno`);
  return {
    names,
    action,
    ...(number === undefined ? {} : { errnoRet: number }),
    ...(args === undefined || args.length === 0 ? {} : { args }),
  };
}

function resolveArchitectures({ archMap = [], architectures = [] }: SeccompProfile, arch: LinuxSeccompArch) {
  if (archMap.length > 0 && architectures.length > 0) {
    const what = "a profile has either archMap or architectures";
    throw new OrlopError("invalid", `Cannot resolve seccomp profile: ${what}`, { field: "archMap" });
  }
  const mapped = archMap.find(({ architecture }) => architecture === arch);
  if (mapped !== undefined) return [mapped.architecture, ...mapped.subArchitectures];
  return architectures.map((each): LinuxSeccompArch => (each === "SCMP_ARCH_NATIVE" ? arch : each));
}

/**
 * Makes `linux.seccomp` of a profile in docker's or podman's format: picks the architectures of the machine and the
 * rules that hold for it, its kernel and the container's capabilities.
 *
 * @throws OrlopError `invalid`
 */
export function resolveSeccompProfile(profile: SeccompProfile, target: SeccompProfileTarget): LinuxSeccomp {
  const machine: Machine = {
    arch: dockerArch(target.arch),
    capabilities: new Set(target.capabilities),
    kernel: parseVersion(target.kernelVersion, "kernel release"),
  };
  const { defaultAction, defaultErrno, defaultErrnoRet, flags, listenerPath, listenerMetadata } = profile;
  const defaultNumber = errnoOf(defaultErrno, defaultErrnoRet, "defaultErrno");
  const architectures = resolveArchitectures(profile, target.arch);
  const syscalls: LinuxSyscall[] = [];
  for (const [index, rule] of (profile.syscalls ?? []).entries()) {
    if (rule.excludes !== undefined && excludesMachine(rule.excludes, machine)) continue;
    if (rule.includes !== undefined && !includesMachine(rule.includes, machine)) continue;
    syscalls.push(resolveSyscall(rule, `syscalls[${index}]`));
  }
  return {
    defaultAction,
    ...(defaultNumber === undefined ? {} : { defaultErrnoRet: defaultNumber }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...(flags === undefined ? {} : { flags }),
    ...(listenerPath === undefined ? {} : { listenerPath }),
    ...(listenerMetadata === undefined ? {} : { listenerMetadata }),
    syscalls,
  };
}
