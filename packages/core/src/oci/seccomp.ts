import type { Uint64 } from "./integers.ts";

/** What a filter may do with a system call (config-linux.md, "Seccomp"). `SCMP_ACT_KILL` is `SCMP_ACT_KILL_THREAD`. */
export const LINUX_SECCOMP_ACTIONS = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;
export type LinuxSeccompAction = (typeof LINUX_SECCOMP_ACTIONS)[number];

/** Comparisons of one argument; all are unsigned and 64 bits wide. */
export const LINUX_SECCOMP_OPERATORS = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;
export type LinuxSeccompOperator = (typeof LINUX_SECCOMP_OPERATORS)[number];

/** Architectures by libseccomp's names, as of libseccomp 2.6. */
export const LINUX_SECCOMP_ARCHES = [
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_PARISC",
  "SCMP_ARCH_PARISC64",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_LOONGARCH64",
  "SCMP_ARCH_M68K",
  "SCMP_ARCH_SH",
  "SCMP_ARCH_SHEB",
] as const;
export type LinuxSeccompArch = (typeof LINUX_SECCOMP_ARCHES)[number];

/** Flags of seccomp(2) that a config may ask for. */
export const LINUX_SECCOMP_FLAGS = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
] as const;
export type LinuxSeccompFlag = (typeof LINUX_SECCOMP_FLAGS)[number];

/** One comparison; all comparisons of a rule must hold for the rule to match. */
export interface LinuxSeccompArg {
  /** Which argument, 0 to 5. */
  readonly index: number;
  /** What is compared with; the mask for `SCMP_CMP_MASKED_EQ`. */
  readonly value: Uint64;
  /** Only for `SCMP_CMP_MASKED_EQ`: what the masked argument must equal. 0 when absent. */
  readonly valueTwo?: Uint64;
  readonly op: LinuxSeccompOperator;
}

/** A rule: these calls, under these conditions, get this action. */
export interface LinuxSyscall {
  /** At least one name, as in the kernel's tables. */
  readonly names: readonly string[];
  readonly action: LinuxSeccompAction;
  /** For `SCMP_ACT_ERRNO` and `SCMP_ACT_TRACE` only; `EPERM` when absent. */
  readonly errnoRet?: number;
  readonly args?: readonly LinuxSeccompArg[];
}

/** `linux.seccomp` of config.json. */
export interface LinuxSeccomp {
  readonly defaultAction: LinuxSeccompAction;
  /** For `SCMP_ACT_ERRNO` and `SCMP_ACT_TRACE` only; `EPERM` when absent. */
  readonly defaultErrnoRet?: number;
  /** Beside the native architecture. */
  readonly architectures?: readonly LinuxSeccompArch[];
  readonly flags?: readonly LinuxSeccompFlag[];
  /** A unix stream socket on the host which gets the notification descriptor; only used with `SCMP_ACT_NOTIFY`. */
  readonly listenerPath?: string;
  /** Opaque text for whoever listens; only together with `listenerPath`. */
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly LinuxSyscall[];
}
