import type { LinuxSeccompAction, LinuxSeccompArch, LinuxSeccompArg, LinuxSeccompFlag } from "./seccomp.ts";

/** An architecture of this machine and the ones whose calls its kernel also takes. */
export interface SeccompProfileArch {
  readonly architecture: LinuxSeccompArch;
  readonly subArchitectures: readonly LinuxSeccompArch[];
}

/** Conditions of a rule. Every list that is present must hold. */
export interface SeccompProfileFilter {
  /** Capabilities of the bounding set, as `CAP_SYS_ADMIN`. */
  readonly caps?: readonly string[];
  /** Names that docker's profile uses: Go's, except for 32-bit x86, which is `x86`. */
  readonly arches?: readonly string[];
  /** `4.8`: this kernel or a newer one. */
  readonly minKernel?: string;
}

/** A rule that holds where all `includes` and none of the `excludes` do. */
export interface SeccompProfileSyscall {
  readonly names: readonly string[];
  readonly action: LinuxSeccompAction;
  readonly errnoRet?: number;
  /** podman's spelling of `errnoRet`, as a name: `ENOSYS`. It goes before the number. */
  readonly errno?: string;
  readonly args?: readonly LinuxSeccompArg[];
  readonly comment?: string;
  readonly includes?: SeccompProfileFilter;
  readonly excludes?: SeccompProfileFilter;
}

/**
 * The file behind `--security-opt seccomp=FILE`: docker's and podman's superset of `linux.seccomp`. It becomes a
 * `LinuxSeccomp` once the container's capabilities, the machine and the kernel are known.
 */
export interface SeccompProfile {
  readonly defaultAction: LinuxSeccompAction;
  readonly defaultErrnoRet?: number;
  /** podman's spelling of `defaultErrnoRet`, as a name: `ENOSYS`. It goes before the number. */
  readonly defaultErrno?: string;
  /** Never together with `archMap`. `SCMP_ARCH_NATIVE` is libseccomp's name for the machine's own. */
  readonly architectures?: readonly (LinuxSeccompArch | "SCMP_ARCH_NATIVE")[];
  readonly archMap?: readonly SeccompProfileArch[];
  readonly flags?: readonly LinuxSeccompFlag[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompProfileSyscall[];
}
