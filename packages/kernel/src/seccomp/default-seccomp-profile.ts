// table: the calls of the default profile, in groups with their reasons
import type {
  LinuxSeccomp,
  LinuxSeccompArch,
  LinuxSeccompArg,
  SeccompProfile,
  SeccompProfileArch,
  SeccompProfileFilter,
  SeccompProfileSyscall,
} from "@orlop/core";
import { errnoNumber } from "../abi/errno.ts";
import { resolveSeccompProfile, type SeccompProfileTarget } from "./resolve-seccomp-profile.ts";

/** Calls that are allowed for one reason. */
interface AllowedGroup {
  readonly reason: string;
  /** Names, separated by blanks. */
  readonly calls: string;
  readonly args?: readonly LinuxSeccompArg[];
  readonly includes?: SeccompProfileFilter;
  readonly excludes?: SeccompProfileFilter;
}

/** A machine's own architecture and those whose programs its kernel also runs. */
const archMap: readonly SeccompProfileArch[] = (
  [
    ["X86_64", "X86", "X32"],
    ["AARCH64", "ARM"],
    ["MIPS64", "MIPS", "MIPS64N32"],
    ["MIPS64N32", "MIPS", "MIPS64"],
    ["MIPSEL64", "MIPSEL", "MIPSEL64N32"],
    ["MIPSEL64N32", "MIPSEL", "MIPSEL64"],
    ["S390X", "S390"],
    ["RISCV64"],
    ["LOONGARCH64"],
  ] as const
).map(([native, ...others]) => ({
  architecture: `SCMP_ARCH_${native}`,
  subArchitectures: others.map((other): LinuxSeccompArch => `SCMP_ARCH_${other}`),
}));

/** What every container may call. */
const forEveryone: readonly AllowedGroup[] = [
  {
    reason: "open, close and duplicate descriptors; paths are limited by permissions and the mount namespace",
    calls:
      "open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl name_to_handle_at memfd_create memfd_secret",
  },
  {
    reason: "read and write what is open",
    calls:
      "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek readahead copy_file_range sendfile sendfile64 splice tee vmsplice",
  },
  {
    reason: "allocate, cut and flush files",
    calls:
      "truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 fsync fdatasync sync syncfs sync_file_range cachestat",
  },
  {
    reason: "make, link, rename and remove files and directories; mknod also needs its capability and the device rules",
    calls:
      "mkdir mkdirat mknod mknodat rmdir link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 readlink readlinkat getdents getdents64 getcwd chdir fchdir umask",
  },
  {
    reason: "look at files",
    calls:
      "stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx access faccessat faccessat2 statfs statfs64 fstatfs fstatfs64",
  },
  {
    reason: "change owners, modes and times, with the permissions that the kernel checks",
    calls:
      "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime utimes futimesat utimensat utimensat_time64",
  },
  {
    reason: "extended attributes, with the permissions that the kernel checks",
    calls:
      "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat",
  },
  {
    reason: "look at the mounts of the own namespace",
    calls: "listmount statmount",
  },
  {
    reason: "watch files; fanotify_init, which needs a capability, makes what fanotify_mark works on",
    calls: "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark",
  },
  {
    reason: "wait for descriptors",
    calls:
      "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2",
  },
  {
    reason: "descriptors between processes and for events",
    calls: "pipe pipe2 eventfd eventfd2 signalfd signalfd4",
  },
  {
    reason: "asynchronous input and output of the older kind; io_uring is left out, its attack surface is too large",
    calls: "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64",
  },
  {
    reason: "the own address space",
    calls:
      "brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall remap_file_pages mseal map_shadow_stack pkey_alloc pkey_free pkey_mprotect membarrier",
  },
  {
    reason: "start programs and processes; clone is below, because its flags matter",
    calls: "execve execveat fork vfork exit exit_group wait4 waitid waitpid restart_syscall",
  },
  {
    reason: "process identity, groups and sessions",
    calls: "getpid getppid gettid getpgid getpgrp setpgid getsid setsid",
  },
  {
    reason: "processes by descriptor, with the same permissions as by number",
    calls: "pidfd_open pidfd_send_signal process_mrelease",
  },
  {
    reason: "user and group identity; changes need the container's capabilities",
    calls:
      "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32",
  },
  {
    reason: "give up privileges",
    calls: "capget capset prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
  },
  {
    reason: "signals",
    calls:
      "kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo",
  },
  {
    reason: "threads and their locks",
    calls:
      "futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue get_robust_list set_robust_list set_tid_address get_thread_area set_thread_area rseq",
  },
  {
    reason: "scheduling, as far as limits and capabilities let a process",
    calls:
      "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getcpu",
  },
  {
    reason: "limits and usage",
    calls: "getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname getrandom",
  },
  {
    reason: "read clocks and sleep; to set a clock, adjtimex and clock_adjtime need CAP_SYS_TIME",
    calls:
      "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64",
  },
  {
    reason: "timers",
    calls:
      "alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
  },
  {
    reason: "System V and POSIX objects of the own ipc namespace",
    calls:
      "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink",
  },
  {
    reason: "sockets that exist; which may be made is below. socketcall cannot be looked into",
    calls:
      "socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall",
  },
  {
    reason: "what the C library asks of a RISC-V processor, and a kernel probe's own way back",
    calls: "riscv_hwprobe uretprobe",
  },
];

const asked = 0xffff_ffff;
const uname26 = 0x2_0000;
const linux32 = 0x8;

/** What every container may call with certain arguments, on certain machines or on certain kernels. */
const forSomeMachines: readonly AllowedGroup[] = [
  {
    reason: "before Linux 4.8, a process that traced another could lead it around its seccomp filter",
    calls: "process_vm_readv process_vm_writev ptrace",
    includes: { minKernel: "4.8" },
  },
  {
    reason: "AF_VSOCK (40) has no namespaces: it would reach the host of a virtual machine",
    calls: "socket",
    args: [{ index: 0, value: 40, op: "SCMP_CMP_NE" }],
  },
  // PER_LINUX, PER_LINUX32 and UNAME26 only change what uname(2) says; the other bits weaken the memory layout.
  ...[0, linux32, uname26, uname26 | linux32, asked].map(
    (value): AllowedGroup => ({
      reason: value === asked ? "asks for the personality" : "a personality that only changes what uname says",
      calls: "personality",
      args: [{ index: 0, value, op: "SCMP_CMP_EQ" }],
    }),
  ),
  { reason: "of PowerPC", calls: "sync_file_range2 swapcontext", includes: { arches: ["ppc64le"] } },
  {
    reason: "of ARM, whose private calls a 64-bit kernel has for 32-bit programs",
    calls: "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    includes: { arches: ["arm", "arm64"] },
  },
  {
    reason: "segment registers, which the C library needs",
    calls: "arch_prctl",
    includes: { arches: ["amd64", "x32"] },
  },
  {
    reason: "segments of 16-bit programs",
    calls: "modify_ldt",
    includes: { arches: ["amd64", "x32", "x86"] },
  },
  {
    reason: "of s390",
    calls: "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
    includes: { arches: ["s390", "s390x"] },
  },
  { reason: "of RISC-V", calls: "riscv_flush_icache", includes: { arches: ["riscv64"] } },
];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of include/uapi/linux/sched.h. */
const newNamespaces = 0x7e02_0000;

/** What a capability of the bounding set allows. Without it the kernel would refuse most of these by itself. */
const forCapabilities: readonly AllowedGroup[] = [
  {
    reason: "opens files by inode, past the directories above them",
    calls: "open_by_handle_at",
    includes: { caps: ["CAP_DAC_READ_SEARCH"] },
  },
  {
    reason: "mounts, namespaces, quotas, names and everything else that the capability stands for",
    calls:
      "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare",
    includes: { caps: ["CAP_SYS_ADMIN"] },
  },
  {
    reason: "processes and threads, but no new namespaces: user namespaces open much of the kernel to anyone",
    calls: "clone",
    args: [{ index: 0, value: newNamespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["s390", "s390x"] },
  },
  {
    reason: "the same on s390, where the flags are the second argument",
    calls: "clone",
    args: [{ index: 1, value: newNamespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    includes: { arches: ["s390", "s390x"] },
    excludes: { caps: ["CAP_SYS_ADMIN"] },
  },
  { reason: "restarts the machine", calls: "reboot", includes: { caps: ["CAP_SYS_BOOT"] } },
  { reason: "changes the root directory", calls: "chroot", includes: { caps: ["CAP_SYS_CHROOT"] } },
  {
    reason: "kernel modules",
    calls: "delete_module init_module finit_module",
    includes: { caps: ["CAP_SYS_MODULE"] },
  },
  { reason: "process accounting", calls: "acct", includes: { caps: ["CAP_SYS_PACCT"] } },
  {
    reason: "looks into other processes",
    calls: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    includes: { caps: ["CAP_SYS_PTRACE"] },
  },
  { reason: "input and output ports", calls: "iopl ioperm", includes: { caps: ["CAP_SYS_RAWIO"] } },
  {
    reason: "sets clocks",
    calls: "settimeofday stime clock_settime clock_settime64",
    includes: { caps: ["CAP_SYS_TIME"] },
  },
  { reason: "hangs up a terminal", calls: "vhangup", includes: { caps: ["CAP_SYS_TTY_CONFIG"] } },
  {
    reason: "places memory on nodes",
    calls: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    includes: { caps: ["CAP_SYS_NICE"] },
  },
  { reason: "the kernel's log", calls: "syslog", includes: { caps: ["CAP_SYSLOG"] } },
  { reason: "BPF programs and maps", calls: "bpf", includes: { caps: ["CAP_BPF"] } },
  { reason: "performance counters", calls: "perf_event_open", includes: { caps: ["CAP_PERFMON"] } },
];

/** clone3 has its flags in memory, where no filter can look. ENOSYS sends the C library to clone. */
const cloneThree: SeccompProfileSyscall = {
  names: ["clone3"],
  action: "SCMP_ACT_ERRNO",
  errnoRet: errnoNumber("ENOSYS"),
  comment: "its flags are in memory, where no filter can look; with ENOSYS the C library uses clone",
  excludes: { caps: ["CAP_SYS_ADMIN"] },
};

function allow({ reason, calls, ...conditions }: AllowedGroup): SeccompProfileSyscall {
  return { names: calls.split(" "), action: "SCMP_ACT_ALLOW", comment: reason, ...conditions };
}

/**
 * The profile of containers that ask for none, in docker's format: equal in its effect to the one of docker 28.5,
 * which containerd 2 shares except for the newest calls. Everything that is not listed fails with EPERM.
 */
export const DEFAULT_SECCOMP_PROFILE: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: errnoNumber("EPERM"),
  archMap,
  syscalls: [...forEveryone.map(allow), ...forSomeMachines.map(allow), ...forCapabilities.map(allow), cloneThree],
};

/**
 * {@link DEFAULT_SECCOMP_PROFILE} for one machine, kernel and set of capabilities.
 *
 * @throws OrlopError `invalid` when the kernel's release has no version
 */
export function defaultSeccompProfile(target: SeccompProfileTarget): LinuxSeccomp {
  return resolveSeccompProfile(DEFAULT_SECCOMP_PROFILE, target);
}
