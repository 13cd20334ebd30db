import { release } from "node:os";
import type { LinuxSeccomp, LinuxSeccompArch, LinuxSyscall } from "@orlop/core";
import { defaultSeccompProfile } from "@orlop/kernel";
import type { DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, defaultCapabilities, linuxConfig, processConfig, withLinux, withProcess } from "./base-spec.ts";

const nativeArch: LinuxSeccompArch = process.arch === "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";

/** What a forbidden call answers, in the words of busybox. */
const tryMkdir = [
  `m=$(mkdir /tmp/made 2>&1); echo "status $?"; echo "answer \${m##*: }"`,
  'if [ -d /tmp/made ]; then echo "made yes"; else echo "made no"; fi',
].join("; ");

/** Both names: which of them the C library calls is its own choice. */
const mkdirCalls = ["mkdir", "mkdirat"];

function seccompConfig(
  name: string,
  exercises: string,
  rule: Omit<LinuxSyscall, "names">,
  seccomp: Partial<LinuxSeccomp> = {},
): DifferentialConfig {
  const profile: LinuxSeccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [nativeArch],
    syscalls: [{ names: mkdirCalls, ...rule }],
    ...seccomp,
  };
  return linuxConfig(name, exercises, { seccomp: profile }, { extra: tryMkdir });
}

const personality = { names: ["personality"], action: "SCMP_ACT_ERRNO" } as const;

/** Programs that try personality(2) with two arguments: `linux32` asks for 8, `linux64` for 0. */
const tryPersonality = [
  `m=$(linux32 uname -m 2>&1); echo "linux32 $? \${m##*: }"`,
  `m=$(linux64 uname -m 2>&1); echo "linux64 $? \${m##*: }"`,
].join("; ");

function argumentConfig(name: string, exercises: string, rule: Partial<LinuxSyscall>): DifferentialConfig {
  const syscalls: readonly LinuxSyscall[] = [{ ...personality, ...rule }];
  const seccomp: LinuxSeccomp = { defaultAction: "SCMP_ACT_ALLOW", architectures: [nativeArch], syscalls };
  return linuxConfig(name, exercises, { seccomp }, { extra: tryPersonality });
}

const argumentConfigs: readonly DifferentialConfig[] = [
  argumentConfig("seccomp-equal", "an argument that equals", { args: [{ index: 0, value: 8, op: "SCMP_CMP_EQ" }] }),
  argumentConfig("seccomp-not-equal", "an argument that differs", {
    args: [{ index: 0, value: 8, op: "SCMP_CMP_NE" }],
  }),
  argumentConfig("seccomp-less", "an argument below a bound", { args: [{ index: 0, value: 8, op: "SCMP_CMP_LT" }] }),
  argumentConfig("seccomp-at-least", "an argument from a bound on", {
    args: [{ index: 0, value: 8, op: "SCMP_CMP_GE" }],
  }),
  argumentConfig("seccomp-masked", "an argument under a mask", {
    args: [{ index: 0, value: 0xff, valueTwo: 8, op: "SCMP_CMP_MASKED_EQ" }],
  }),
  argumentConfig("seccomp-two-conditions", "two conditions that must both hold", {
    args: [
      { index: 0, value: 4, op: "SCMP_CMP_GE" },
      { index: 0, value: 16, op: "SCMP_CMP_LE" },
    ],
  }),
];

/** What a shell and the probe's programs call; everything else is refused. */
const allowList: readonly string[] = [
  ..."read write open openat close stat fstat lstat newfstatat statx poll lseek mmap mprotect munmap brk".split(" "),
  ..."rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend ioctl pread64 access faccessat faccessat2".split(" "),
  ..."pipe pipe2 dup dup2 dup3 getpid getppid getuid geteuid getgid getegid getgroups setuid setgid".split(" "),
  ..."setgroups clone clone3 fork vfork execve exit exit_group wait4 kill uname fcntl getdents64".split(" "),
  ..."getcwd chdir fchdir readlink readlinkat umask prlimit64 getrlimit arch_prctl set_tid_address".split(" "),
  ..."set_robust_list rseq prctl capget capset sched_yield futex getrandom sysinfo ioprio_get time".split(" "),
  ..."socket bind getsockname sendto sendmsg recvmsg recvfrom setsockopt gettid tgkill nanosleep".split(" "),
  ..."clock_gettime clock_nanosleep close_range unlink rmdir seccomp setresuid setresgid sigaltstack".split(" "),
  ..."getpgrp getpgid setpgid getsid fchown chown fstatfs statfs epoll_create1 epoll_ctl epoll_pwait".split(" "),
  ..."eventfd2 tkill madvise mremap sendfile fadvise64 ftruncate truncate writev readv".split(" "),
];

/**
 * Calls that the capabilities of this container would allow, and only the filter forbids. The machine survives them
 * where it does not.
 */
const tryForbidden = [
  "mount -t tmpfs none /tmp",
  "umount /dev/mqueue",
  "unshare -u true",
  "hostname changed",
  "uname -m",
]
  .map((command) => `m=$(busybox ${command} 2>&1); echo "tried ${command}: status $? \${m##*: }"`)
  .join("\n");

const defaultProfile: DifferentialConfig = {
  name: "seccomp-default-profile",
  exercises: "the profile that engines give to containers",
  make: (context) => {
    const capabilities = [...defaultCapabilities, "CAP_SYS_ADMIN"];
    const target = { arch: nativeArch, capabilities: defaultCapabilities, kernelVersion: release() };
    const spec = withLinux(baseSpec(context), { seccomp: defaultSeccompProfile(target) });
    const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    return withProcess(spec, { capabilities: sets });
  },
  extra: tryForbidden,
};

/** System call filters: what they answer and to which arguments. */
export const seccompConfigs: readonly DifferentialConfig[] = [
  seccompConfig("seccomp-errno", "a call that fails with EPERM", { action: "SCMP_ACT_ERRNO" }),
  seccompConfig("seccomp-errno-chosen", "a call that fails with a chosen errno", {
    action: "SCMP_ACT_ERRNO",
    errnoRet: 38,
  }),
  seccompConfig("seccomp-errno-zero", "a call that does nothing and succeeds", {
    action: "SCMP_ACT_ERRNO",
    errnoRet: 0,
  }),
  seccompConfig("seccomp-kill-process", "a call that kills its process", { action: "SCMP_ACT_KILL_PROCESS" }),
  seccompConfig("seccomp-kill", "a call that kills its thread", { action: "SCMP_ACT_KILL" }),
  seccompConfig("seccomp-trap", "a call that raises SIGSYS", { action: "SCMP_ACT_TRAP" }),
  seccompConfig("seccomp-trace", "a call for a tracer that is not there", { action: "SCMP_ACT_TRACE" }),
  seccompConfig("seccomp-log", "a call that is logged", { action: "SCMP_ACT_LOG" }),
  seccompConfig(
    "seccomp-flags",
    "flags of the filter",
    { action: "SCMP_ACT_ERRNO" },
    {
      flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
    },
  ),
  seccompConfig(
    "seccomp-architectures",
    "several architectures",
    { action: "SCMP_ACT_ERRNO" },
    {
      architectures:
        process.arch === "arm64" ? [nativeArch, "SCMP_ARCH_ARM"] : [nativeArch, "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    },
  ),
  seccompConfig(
    "seccomp-unknown-call",
    "a call that no kernel has",
    { action: "SCMP_ACT_ERRNO" },
    {
      syscalls: [{ names: ["no_such_call", ...mkdirCalls], action: "SCMP_ACT_ERRNO" }],
    },
  ),
  seccompConfig(
    "seccomp-first-rule",
    "a call that two rules name",
    { action: "SCMP_ACT_ERRNO" },
    {
      syscalls: [
        { names: mkdirCalls, action: "SCMP_ACT_ERRNO", errnoRet: 13 },
        { names: mkdirCalls, action: "SCMP_ACT_ERRNO", errnoRet: 38 },
      ],
    },
  ),
  seccompConfig("seccomp-empty", "a filter that allows everything", { action: "SCMP_ACT_ALLOW" }, { syscalls: [] }),
  seccompConfig(
    "seccomp-allow-list",
    "a list of what is allowed",
    { action: "SCMP_ACT_ALLOW" },
    {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 1,
      syscalls: [{ names: allowList, action: "SCMP_ACT_ALLOW" }],
    },
  ),
  ...argumentConfigs,
  defaultProfile,
  {
    ...processConfig("seccomp-without-privileges", "a filter with no_new_privs for an ordinary user", {}),
    make: (context) => {
      const config = processConfig("", "", { noNewPrivileges: true, user: { uid: 1000, gid: 1000 }, capabilities: {} });
      const spec = config.make(context);
      if (spec instanceof Promise) throw new TypeError("the spec is made at once");
      const syscalls: readonly LinuxSyscall[] = [{ names: mkdirCalls, action: "SCMP_ACT_ERRNO" }];
      return withLinux(spec, { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls } });
    },
    extra: tryMkdir,
  },
];
