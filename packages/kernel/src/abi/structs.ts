// table: kernel structures that programs fill in or read, each with the header it comes from

import type { StructLayout } from "../program/struct-layout.ts";
import { structLayout } from "../program/struct-layout.ts";

/** include/uapi/linux/sched.h, CLONE_ARGS_SIZE_VER2 (Linux 5.7). */
export const CLONE_ARGS: StructLayout<
  | "flags"
  | "pidfd"
  | "child_tid"
  | "parent_tid"
  | "exit_signal"
  | "stack"
  | "stack_size"
  | "tls"
  | "set_tid"
  | "set_tid_size"
  | "cgroup"
> = structLayout("clone_args", 88, {
  flags: "u64",
  pidfd: "pointer",
  child_tid: "u64",
  parent_tid: "u64",
  exit_signal: "u64",
  stack: "u64",
  stack_size: "u64",
  tls: "u64",
  set_tid: "pointer",
  set_tid_size: "u64",
  cgroup: "u64",
});

/** include/uapi/linux/openat2.h */
export const OPEN_HOW: StructLayout<"flags" | "mode" | "resolve"> = structLayout("open_how", 24, {
  flags: "u64",
  mode: "u64",
  resolve: "u64",
});

/** include/uapi/linux/mount.h, MOUNT_ATTR_SIZE_VER0 */
export const MOUNT_ATTR: StructLayout<"attr_set" | "attr_clr" | "propagation" | "userns_fd"> = structLayout(
  "mount_attr",
  32,
  { attr_set: "u64", attr_clr: "u64", propagation: "u64", userns_fd: "u64" },
);

/** include/uapi/asm-generic/poll.h */
export const POLLFD: StructLayout<"fd" | "events" | "revents"> = structLayout("pollfd", 8, {
  fd: "s32",
  events: "u16",
  revents: "u16",
});

/**
 * The kernel's struct sigaction of rt_sigaction(2): include/linux/signal_types.h. arm64 has the restorer too, for the
 * sake of 32-bit programs.
 */
export const SIGACTION: StructLayout<"handler" | "flags" | "restorer" | "mask"> = structLayout("sigaction", 32, {
  handler: "u64",
  flags: "u64",
  restorer: "u64",
  mask: "u64",
});

/** include/uapi/linux/uio.h */
export const IOVEC: StructLayout<"iov_base" | "iov_len"> = structLayout("iovec", 16, {
  iov_base: "pointer",
  iov_len: "u64",
});

/** include/linux/socket.h, struct user_msghdr */
export const MSGHDR: StructLayout<
  "msg_name" | "msg_namelen" | "msg_iov" | "msg_iovlen" | "msg_control" | "msg_controllen" | "msg_flags"
> = structLayout("msghdr", 56, {
  msg_name: "pointer",
  msg_namelen: "u32",
  msg_iov: "pointer",
  msg_iovlen: "u64",
  msg_control: "pointer",
  msg_controllen: "u64",
  msg_flags: "u32",
});

/** include/linux/socket.h, struct cmsghdr with room for one descriptor. */
export const CMSG_ONE_FD: StructLayout<"cmsg_len" | "cmsg_level" | "cmsg_type" | "fd"> = structLayout("cmsghdr", 24, {
  cmsg_len: "u64",
  cmsg_level: "u32",
  cmsg_type: "u32",
  fd: "s32",
});

/** include/uapi/linux/filter.h */
export const SOCK_FPROG: StructLayout<"len" | "filter"> = structLayout("sock_fprog", 16, {
  len: "u16",
  filter: "pointer",
});

/** include/uapi/linux/resource.h */
export const RLIMIT64: StructLayout<"rlim_cur" | "rlim_max"> = structLayout("rlimit64", 16, {
  rlim_cur: "u64",
  rlim_max: "u64",
});

/** include/uapi/asm-generic/termios.h */
export const WINSIZE: StructLayout<"ws_row" | "ws_col" | "ws_xpixel" | "ws_ypixel"> = structLayout("winsize", 8, {
  ws_row: "u16",
  ws_col: "u16",
  ws_xpixel: "u16",
  ws_ypixel: "u16",
});

/** include/uapi/linux/time_types.h, struct __kernel_timespec */
export const TIMESPEC: StructLayout<"tv_sec" | "tv_nsec"> = structLayout("timespec", 16, {
  tv_sec: "s64",
  tv_nsec: "s64",
});

/** include/uapi/linux/capability.h */
export const CAP_HEADER: StructLayout<"version" | "pid"> = structLayout("__user_cap_header_struct", 8, {
  version: "u32",
  pid: "s32",
});

/** include/uapi/linux/capability.h: the two elements of version 3. */
export const CAP_DATA: StructLayout<
  "effective0" | "permitted0" | "inheritable0" | "effective1" | "permitted1" | "inheritable1"
> = structLayout("__user_cap_data_struct[2]", 24, {
  effective0: "u32",
  permitted0: "u32",
  inheritable0: "u32",
  effective1: "u32",
  permitted1: "u32",
  inheritable1: "u32",
});

/** include/uapi/linux/sched/types.h, SCHED_ATTR_SIZE_VER1 (Linux 5.3): flags that clamp want that much. */
export const SCHED_ATTR: StructLayout<
  | "size"
  | "sched_policy"
  | "sched_flags"
  | "sched_nice"
  | "sched_priority"
  | "sched_runtime"
  | "sched_deadline"
  | "sched_period"
  | "sched_util_min"
  | "sched_util_max"
> = structLayout("sched_attr", 56, {
  size: "u32",
  sched_policy: "u32",
  sched_flags: "u64",
  sched_nice: "s32",
  sched_priority: "u32",
  sched_runtime: "u64",
  sched_deadline: "u64",
  sched_period: "u64",
  sched_util_min: "u32",
  sched_util_max: "u32",
});

/** include/uapi/linux/if.h, struct ifreq with the flags member. */
export const IFREQ_FLAGS: StructLayout<"ifr_name" | "ifr_flags" | "rest"> = structLayout("ifreq", 40, {
  ifr_name: 16,
  ifr_flags: "u16",
  rest: 22,
});

/** include/uapi/linux/loop.h, struct loop_info64; `lo_device` and `lo_inode` are those of the file that is behind it. */
export const LOOP_INFO64: StructLayout<
  "lo_device" | "lo_inode" | "lo_rdevice" | "lo_offset" | "lo_sizelimit" | "lo_number" | "encrypt" | "lo_flags" | "rest"
> = structLayout("loop_info64", 232, {
  lo_device: "u64",
  lo_inode: "u64",
  lo_rdevice: "u64",
  lo_offset: "u64",
  lo_sizelimit: "u64",
  lo_number: "u32",
  encrypt: 8,
  lo_flags: "u32",
  rest: 176,
});

/** include/uapi/linux/loop.h (Linux 5.8), with the members of `info` that say what is to be. */
export const LOOP_CONFIG: StructLayout<"fd" | "block_size" | "before" | "lo_flags" | "rest"> = structLayout(
  "loop_config",
  304,
  { fd: "u32", block_size: "u32", before: 52, lo_flags: "u32", rest: 240 },
);

/** include/uapi/linux/dm-ioctl.h; what a command is about follows at `data_start`, and all of it has `data_size` bytes. */
export const DM_IOCTL: StructLayout<
  | "major"
  | "minor"
  | "patch"
  | "data_size"
  | "data_start"
  | "target_count"
  | "open_count"
  | "flags"
  | "event_nr"
  | "padding"
  | "dev"
  | "name"
  | "uuid"
  | "data"
> = structLayout("dm_ioctl", 312, {
  major: "u32",
  minor: "u32",
  patch: "u32",
  data_size: "u32",
  data_start: "u32",
  target_count: "u32",
  open_count: "s32",
  flags: "u32",
  event_nr: "u32",
  padding: "u32",
  dev: "u64",
  name: 128,
  uuid: 129,
  data: 7,
});

/** include/uapi/linux/dm-ioctl.h; the parameters follow as text. */
export const DM_TARGET_SPEC: StructLayout<"sector_start" | "length" | "status" | "next" | "target_type"> = structLayout(
  "dm_target_spec",
  40,
  { sector_start: "u64", length: "u64", status: "s32", next: "u32", target_type: 16 },
);

/** include/uapi/linux/fs.h */
export const FSTRIM_RANGE: StructLayout<"start" | "len" | "minlen"> = structLayout("fstrim_range", 24, {
  start: "u64",
  len: "u64",
  minlen: "u64",
});

/** include/uapi/linux/btrfs.h, with the union's `unused` and `name`. */
export const BTRFS_VOL_ARGS_V2: StructLayout<"fd" | "transid" | "flags" | "unused" | "name"> = structLayout(
  "btrfs_ioctl_vol_args_v2",
  4096,
  { fd: "s64", transid: "u64", flags: "u64", unused: 32, name: 4040 },
);

/** include/uapi/linux/btrfs.h; each of the 255 references has two numbers. */
export const BTRFS_SUBVOL_ROOTREFS: StructLayout<"min_treeid" | "rootref" | "num_items" | "align"> = structLayout(
  "btrfs_ioctl_get_subvol_rootref_args",
  4096,
  { min_treeid: "u64", rootref: 4080, num_items: "u8", align: 7 },
);

/** include/uapi/linux/btrfs.h */
export const BTRFS_INO_LOOKUP: StructLayout<"treeid" | "objectid" | "name"> = structLayout(
  "btrfs_ioctl_ino_lookup_args",
  4096,
  { treeid: "u64", objectid: "u64", name: 4080 },
);

/**
 * include/uapi/linux/btrfs.h, from the key what is not always zero. What is found is in `buf`, each with a
 * btrfs_ioctl_search_header before it.
 */
export const BTRFS_SEARCH: StructLayout<
  | "tree_id"
  | "min_objectid"
  | "max_objectid"
  | "min_offset"
  | "max_offset"
  | "min_transid"
  | "max_transid"
  | "min_type"
  | "max_type"
  | "nr_items"
  | "unused"
  | "buf"
> = structLayout("btrfs_ioctl_search_args", 4096, {
  tree_id: "u64",
  min_objectid: "u64",
  max_objectid: "u64",
  min_offset: "u64",
  max_offset: "u64",
  min_transid: "u64",
  max_transid: "u64",
  min_type: "u32",
  max_type: "u32",
  nr_items: "u32",
  unused: 36,
  buf: 3992,
});

/** include/uapi/linux/btrfs.h */
export const BTRFS_SEARCH_HEADER: StructLayout<"transid" | "objectid" | "offset" | "type" | "len"> = structLayout(
  "btrfs_ioctl_search_header",
  32,
  { transid: "u64", objectid: "u64", offset: "u64", type: "u32", len: "u32" },
);

/** include/uapi/linux/btrfs_tree.h; it is packed. */
export const BTRFS_QGROUP_STATUS: StructLayout<"version" | "generation" | "flags" | "rescan"> = structLayout(
  "btrfs_qgroup_status_item",
  32,
  { version: "u64", generation: "u64", flags: "u64", rescan: "u64" },
);

/** include/uapi/linux/btrfs.h */
export const BTRFS_QGROUP_ASSIGN: StructLayout<"assign" | "src" | "dst"> = structLayout(
  "btrfs_ioctl_qgroup_assign_args",
  24,
  { assign: "u64", src: "u64", dst: "u64" },
);

/** include/uapi/linux/btrfs.h */
export const BTRFS_QGROUP_CREATE: StructLayout<"create" | "qgroupid"> = structLayout(
  "btrfs_ioctl_qgroup_create_args",
  16,
  { create: "u64", qgroupid: "u64" },
);

/** include/uapi/linux/btrfs.h, with the members of `lim`. */
export const BTRFS_QGROUP_LIMIT: StructLayout<
  "qgroupid" | "flags" | "max_rfer" | "max_excl" | "rsv_rfer" | "rsv_excl"
> = structLayout("btrfs_ioctl_qgroup_limit_args", 48, {
  qgroupid: "u64",
  flags: "u64",
  max_rfer: "u64",
  max_excl: "u64",
  rsv_rfer: "u64",
  rsv_excl: "u64",
});

/** include/uapi/linux/fs.h */
export const FSXATTR: StructLayout<
  "fsx_xflags" | "fsx_extsize" | "fsx_nextents" | "fsx_projid" | "fsx_cowextsize" | "fsx_pad"
> = structLayout("fsxattr", 28, {
  fsx_xflags: "u32",
  fsx_extsize: "u32",
  fsx_nextents: "u32",
  fsx_projid: "u32",
  fsx_cowextsize: "u32",
  fsx_pad: 8,
});

/** include/uapi/linux/dqblk_xfs.h; what is of no use here is left in one. Blocks are of 512 bytes. */
export const FS_DISK_QUOTA: StructLayout<
  | "d_version"
  | "d_flags"
  | "d_fieldmask"
  | "d_id"
  | "d_blk_hardlimit"
  | "d_blk_softlimit"
  | "d_ino_hardlimit"
  | "d_ino_softlimit"
  | "d_bcount"
  | "d_icount"
  | "d_itimer"
> = structLayout("fs_disk_quota", 112, {
  d_version: "u8",
  d_flags: "u8",
  d_fieldmask: "u16",
  d_id: "u32",
  d_blk_hardlimit: "u64",
  d_blk_softlimit: "u64",
  d_ino_hardlimit: "u64",
  d_ino_softlimit: "u64",
  d_bcount: "u64",
  d_icount: "u64",
  d_itimer: 56,
});

/** include/uapi/linux/dqblk_xfs.h, where the flags are. */
export const FS_QUOTA_STATV: StructLayout<"qs_version" | "qs_pad1" | "qs_flags" | "qs_incoredqs" | "qs_uquota"> =
  structLayout("fs_quota_statv", 160, {
    qs_version: "u8",
    qs_pad1: "u8",
    qs_flags: "u16",
    qs_incoredqs: "u32",
    qs_uquota: 152,
  });

/** Bytes of struct siginfo, and where waitid(2) puts what ended the child (include/uapi/asm-generic/siginfo.h). */
export const SIGINFO_BYTES = 128;
export const SIGINFO_CODE_OFFSET = 8;
export const SIGINFO_PID_OFFSET = 16;
export const SIGINFO_STATUS_OFFSET = 24;
/** Bytes of struct rusage (include/uapi/linux/resource.h). */
export const RUSAGE_BYTES = 144;
/** struct statx: the size, and where what is read of it lies (include/uapi/linux/stat.h). */
export const STATX_BYTES = 256;
export const STATX_NLINK_OFFSET = 16;
export const STATX_UID_OFFSET = 20;
export const STATX_GID_OFFSET = 24;
export const STATX_MODE_OFFSET = 28;
export const STATX_INO_OFFSET = 32;
export const STATX_RDEV_OFFSET = 128;
export const STATX_MNT_ID_OFFSET = 144;
/** struct statfs: f_type at 0 (include/uapi/asm-generic/statfs.h). */
export const STATFS_BYTES = 120;

/** include/uapi/asm-generic/fcntl.h, struct flock where off_t has 64 bits. */
export const FLOCK: StructLayout<"l_type" | "l_whence" | "l_start" | "l_len" | "l_pid"> = structLayout("flock", 32, {
  l_type: "u16",
  l_whence: "u16",
  l_start: "s64",
  l_len: "s64",
  l_pid: "s32",
});
