// table: every system call a program may use, with its number on each architecture and its signature
import type { Architecture } from "./architecture.ts";

/**
 * What an argument is, for the verifier and for `explain`.
 *
 * - `d` descriptor, `i` integer
 * - `s` NUL-terminated string, `S` the same or null
 * - `p<n>` pointer to at least n bytes, `P<n>` the same or null
 * - `b<k>` pointer to a buffer whose length in bytes is argument k, `B<k>` the same or null
 * - `v` null-terminated vector of string pointers
 * - `o` whatever the command argument makes of it: integer or pointer (ioctl, prctl, fcntl, fsconfig)
 */
export type ArgumentKind = string;

/**
 * Number on x86-64, number on arm64, argument kinds separated by blanks.
 *
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
 * Calls that could take the machine's own memory from under it (mmap, munmap, mprotect, brk, rt_sigreturn)
 * are left out on purpose: what is not in this table, the verifier refuses.
 */
export const SYSCALLS = {
  accept4: [288, 242, "d P2 P4 i"],
  bind: [49, 200, "d b2 i"],
  bpf: [321, 280, "i b2 i"],
  capset: [126, 91, "p8 p24"],
  chdir: [80, 49, "s"],
  chroot: [161, 51, "s"],
  clock_gettime: [228, 113, "i p16"],
  clock_nanosleep: [230, 115, "i i p16 P16"],
  clone: [56, 220, "i P0 P4 P4 i"],
  clone3: [435, 435, "b1 i"],
  close: [3, 57, "d"],
  close_range: [436, 436, "i i i"],
  connect: [42, 203, "d b2 i"],
  copy_file_range: [326, 285, "d P8 d P8 i i"],
  dup3: [292, 24, "d d i"],
  execve: [59, 221, "s v v"],
  execveat: [322, 281, "d s v v i"],
  exit_group: [231, 94, "i"],
  faccessat2: [439, 439, "d s i i"],
  fchdir: [81, 50, "d"],
  fchmod: [91, 52, "d i"],
  fchmodat: [268, 53, "d s i"],
  fchown: [93, 55, "d i i"],
  fchownat: [260, 54, "d s i i i"],
  fcntl: [72, 25, "d i o"],
  flock: [73, 32, "d i"],
  fsconfig: [431, 431, "d i S o i"],
  fsmount: [432, 432, "d i i"],
  fsopen: [430, 430, "s i"],
  fspick: [433, 433, "d s i"],
  fstatfs: [138, 44, "d p120"],
  fsync: [74, 82, "d"],
  ftruncate: [77, 46, "d i"],
  getcwd: [79, 17, "b1 i"],
  geteuid: [107, 175, ""],
  getpid: [39, 172, ""],
  getppid: [110, 173, ""],
  getsockopt: [55, 209, "d i i p4 p4"],
  getuid: [102, 174, ""],
  ioctl: [16, 29, "d i o"],
  ioprio_set: [251, 30, "i i i"],
  keyctl: [250, 219, "i o o o o"],
  kill: [62, 129, "i i"],
  lgetxattr: [192, 9, "s s b3 i"],
  linkat: [265, 37, "d s d s i"],
  listen: [50, 201, "d i"],
  llistxattr: [195, 12, "s b2 i"],
  lremovexattr: [198, 15, "s s"],
  lseek: [8, 62, "d i i"],
  lsetxattr: [189, 6, "s s b3 i i"],
  madvise: [28, 233, "i i i"],
  memfd_create: [319, 279, "s i"],
  mkdirat: [258, 34, "d s i"],
  mknodat: [259, 33, "d s i i"],
  mount: [165, 40, "S S S i S"],
  mount_setattr: [442, 442, "d s i b4 i"],
  move_mount: [429, 429, "d s d s i"],
  newfstatat: [262, 79, "d s p144 i"],
  open_tree: [428, 428, "d s i"],
  openat: [257, 56, "d s i i"],
  openat2: [437, 437, "d s b3 i"],
  personality: [135, 92, "i"],
  pidfd_getfd: [438, 438, "d d i"],
  pidfd_open: [434, 434, "i i"],
  pidfd_send_signal: [424, 424, "d i P128 i"],
  pipe2: [293, 59, "p8 i"],
  pivot_root: [155, 41, "s s"],
  ppoll: [271, 73, "p8 i P16 P8 i"],
  prctl: [157, 167, "i o i i i"],
  pread64: [17, 67, "d b2 i i"],
  prlimit64: [302, 261, "i i P16 P16"],
  pwrite64: [18, 68, "d b2 i i"],
  quotactl_fd: [443, 443, "d i i p112"],
  read: [0, 63, "d b2 i"],
  readlinkat: [267, 78, "d s b3 i"],
  recvfrom: [45, 207, "d b2 i i P0 P0"],
  recvmsg: [47, 212, "d p56 i"],
  renameat2: [316, 276, "d s d s i"],
  rt_sigaction: [13, 134, "i P32 P32 i"],
  rt_sigprocmask: [14, 135, "i P8 P8 i"],
  sched_setaffinity: [203, 122, "i i b1"],
  sched_setattr: [314, 274, "i p48 i"],
  seccomp: [317, 277, "i i o"],
  sendfile: [40, 71, "d d P8 i"],
  sendmsg: [46, 211, "d p56 i"],
  sendto: [44, 206, "d b2 i i P0 i"],
  set_mempolicy: [238, 237, "i P8 i"],
  setdomainname: [171, 162, "b1 i"],
  setgroups: [116, 159, "i P0"],
  sethostname: [170, 161, "b1 i"],
  setns: [308, 268, "d i"],
  setpgid: [109, 154, "i i"],
  setpriority: [141, 140, "i i i"],
  setresgid: [119, 149, "i i i"],
  setresuid: [117, 147, "i i i"],
  setsid: [112, 157, ""],
  setsockopt: [54, 208, "d i i b4 i"],
  shutdown: [48, 210, "d i"],
  signalfd4: [289, 74, "d p8 i i"],
  socket: [41, 198, "i i i"],
  socketpair: [53, 199, "i i i p8"],
  splice: [275, 76, "d P8 d P8 i i"],
  statx: [332, 291, "d s i i p256"],
  symlinkat: [266, 36, "s d s"],
  syncfs: [306, 267, "d"],
  tee: [276, 77, "d d i i"],
  timerfd_create: [283, 85, "i i"],
  timerfd_settime: [286, 86, "d i p32 P32"],
  umask: [95, 166, "i"],
  umount2: [166, 39, "s i"],
  unlinkat: [263, 35, "d s i"],
  unshare: [272, 97, "i"],
  utimensat: [280, 88, "d S P32 i"],
  wait4: [61, 260, "i P4 i P144"],
  waitid: [247, 95, "i i P128 i P144"],
  write: [1, 64, "d b2 i"],
} as const;

/** Name of a system call that programs may use. */
export type SyscallName = keyof typeof SYSCALLS;

/** The number of `name` on `architecture`. */
export function syscallNumber(name: SyscallName, architecture: Architecture): number {
  return SYSCALLS[name][architecture === "x86_64" ? 0 : 1];
}

/** What each argument of `name` is. */
export function syscallArguments(name: SyscallName): readonly ArgumentKind[] {
  const kinds = SYSCALLS[name][2];
  return kinds === "" ? [] : kinds.split(" ");
}
