import assert from "node:assert/strict";
import { test } from "node:test";
import type { StructLayout } from "../program/struct-layout.ts";
import { evaluateC, hasCompiler } from "./c-headers-fixture.ts";
import {
  BTRFS_INO_LOOKUP,
  BTRFS_QGROUP_ASSIGN,
  BTRFS_QGROUP_CREATE,
  BTRFS_QGROUP_LIMIT,
  BTRFS_QGROUP_STATUS,
  BTRFS_SEARCH,
  BTRFS_SEARCH_HEADER,
  BTRFS_SUBVOL_ROOTREFS,
  BTRFS_VOL_ARGS_V2,
  CAP_DATA,
  CAP_HEADER,
  CLONE_ARGS,
  CMSG_ONE_FD,
  DM_IOCTL,
  DM_TARGET_SPEC,
  FLOCK,
  FS_DISK_QUOTA,
  FS_QUOTA_STATV,
  FSTRIM_RANGE,
  FSXATTR,
  IFREQ_FLAGS,
  IOVEC,
  LOOP_CONFIG,
  LOOP_INFO64,
  MOUNT_ATTR,
  MSGHDR,
  OPEN_HOW,
  POLLFD,
  RLIMIT64,
  RUSAGE_BYTES,
  SCHED_ATTR,
  SIGACTION,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  SOCK_FPROG,
  STATFS_BYTES,
  STATX_BYTES,
  STATX_GID_OFFSET,
  STATX_INO_OFFSET,
  STATX_MODE_OFFSET,
  STATX_NLINK_OFFSET,
  STATX_RDEV_OFFSET,
  STATX_UID_OFFSET,
  TIMESPEC,
  WINSIZE,
} from "./structs.ts";

interface CStruct {
  readonly includes: readonly string[];
  readonly type: string;
  readonly layout: StructLayout;
  /** Members whose name in C is another; `null` for what C has no name for. */
  readonly members?: Readonly<Record<string, string | null>>;
  /** The table ends earlier than the header's newest version of the structure. */
  readonly grown?: boolean;
}

/** glibc's struct sigaction is not the kernel's, and the header has the kernel's for the kernel only. */
const KERNEL_SIGACTION = "struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; }";

const STRUCTS: readonly CStruct[] = [
  { includes: ["linux/types.h", "linux/sched.h"], type: "struct clone_args", layout: CLONE_ARGS, grown: true },
  { includes: ["linux/openat2.h"], type: "struct open_how", layout: OPEN_HOW },
  { includes: ["linux/mount.h"], type: "struct mount_attr", layout: MOUNT_ATTR },
  { includes: ["asm/poll.h"], type: "struct pollfd", layout: POLLFD },
  { includes: ["stddef.h"], type: KERNEL_SIGACTION, layout: SIGACTION },
  { includes: ["fcntl.h"], type: "struct flock", layout: FLOCK },
  { includes: ["linux/uio.h"], type: "struct iovec", layout: IOVEC },
  { includes: ["sys/socket.h"], type: "struct msghdr", layout: MSGHDR },
  {
    includes: ["sys/socket.h"],
    type: "struct { struct cmsghdr c; int fd; }",
    layout: CMSG_ONE_FD,
    members: { cmsg_len: "c.cmsg_len", cmsg_level: "c.cmsg_level", cmsg_type: "c.cmsg_type" },
  },
  { includes: ["linux/filter.h"], type: "struct sock_fprog", layout: SOCK_FPROG },
  { includes: ["linux/resource.h"], type: "struct rlimit64", layout: RLIMIT64 },
  { includes: ["asm/termios.h"], type: "struct winsize", layout: WINSIZE },
  { includes: ["linux/time_types.h"], type: "struct __kernel_timespec", layout: TIMESPEC },
  { includes: ["linux/capability.h"], type: "struct __user_cap_header_struct", layout: CAP_HEADER },
  {
    includes: ["linux/capability.h"],
    type: "struct { struct __user_cap_data_struct d[2]; }",
    layout: CAP_DATA,
    members: Object.fromEntries(
      [0, 1].flatMap((index) =>
        ["effective", "permitted", "inheritable"].map((name) => [`${name}${index}`, `d[${index}].${name}`]),
      ),
    ),
  },
  { includes: ["linux/types.h", "linux/sched/types.h"], type: "struct sched_attr", layout: SCHED_ATTR, grown: true },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_vol_args_v2", layout: BTRFS_VOL_ARGS_V2 },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_get_subvol_rootref_args", layout: BTRFS_SUBVOL_ROOTREFS },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_ino_lookup_args", layout: BTRFS_INO_LOOKUP },
  {
    includes: ["linux/btrfs.h"],
    type: "struct btrfs_ioctl_search_args",
    layout: BTRFS_SEARCH,
    members: Object.fromEntries(
      Object.keys(BTRFS_SEARCH.fields).map((name) => [name, name === "buf" ? "buf" : `key.${name}`]),
    ),
  },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_search_header", layout: BTRFS_SEARCH_HEADER },
  {
    includes: ["linux/btrfs_tree.h"],
    type: "struct btrfs_qgroup_status_item",
    layout: BTRFS_QGROUP_STATUS,
    grown: true,
  },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_qgroup_assign_args", layout: BTRFS_QGROUP_ASSIGN },
  { includes: ["linux/btrfs.h"], type: "struct btrfs_ioctl_qgroup_create_args", layout: BTRFS_QGROUP_CREATE },
  {
    includes: ["linux/btrfs.h"],
    type: "struct btrfs_ioctl_qgroup_limit_args",
    layout: BTRFS_QGROUP_LIMIT,
    members: Object.fromEntries(
      Object.keys(BTRFS_QGROUP_LIMIT.fields).map((name) => [name, name === "qgroupid" ? name : `lim.${name}`]),
    ),
  },
  { includes: ["linux/fs.h"], type: "struct fsxattr", layout: FSXATTR },
  {
    includes: ["linux/types.h", "linux/dm-ioctl.h"],
    type: "struct dm_ioctl",
    layout: DM_IOCTL,
    members: { major: "version[0]", minor: "version[1]", patch: "version[2]" },
  },
  { includes: ["linux/types.h", "linux/dm-ioctl.h"], type: "struct dm_target_spec", layout: DM_TARGET_SPEC },
  { includes: ["linux/fs.h"], type: "struct fstrim_range", layout: FSTRIM_RANGE },
  {
    includes: ["linux/types.h", "linux/loop.h"],
    type: "struct loop_info64",
    layout: LOOP_INFO64,
    members: { encrypt: "lo_encrypt_type", rest: "lo_file_name" },
  },
  {
    includes: ["linux/types.h", "linux/loop.h"],
    type: "struct loop_config",
    layout: LOOP_CONFIG,
    members: { before: "info", lo_flags: "info.lo_flags", rest: "info.lo_file_name" },
  },
  { includes: ["linux/types.h", "linux/dqblk_xfs.h"], type: "struct fs_disk_quota", layout: FS_DISK_QUOTA },
  { includes: ["linux/types.h", "linux/dqblk_xfs.h"], type: "struct fs_quota_statv", layout: FS_QUOTA_STATV },
  { includes: ["sys/socket.h", "linux/if.h"], type: "struct ifreq", layout: IFREQ_FLAGS, members: { rest: null } },
];

/** Bare numbers of the table, and what C calls them. */
const NUMBERS: readonly (readonly [includes: readonly string[], expression: string, value: number])[] = [
  [["signal.h"], "sizeof(siginfo_t)", SIGINFO_BYTES],
  [["signal.h"], "offsetof(siginfo_t, si_code)", SIGINFO_CODE_OFFSET],
  [["signal.h"], "(size_t)&((siginfo_t *)0)->si_status", SIGINFO_STATUS_OFFSET],
  [["linux/resource.h"], "sizeof(struct rusage)", RUSAGE_BYTES],
  [["linux/stat.h"], "sizeof(struct statx)", STATX_BYTES],
  [["linux/stat.h"], "offsetof(struct statx, stx_nlink)", STATX_NLINK_OFFSET],
  [["linux/stat.h"], "offsetof(struct statx, stx_uid)", STATX_UID_OFFSET],
  [["linux/stat.h"], "offsetof(struct statx, stx_gid)", STATX_GID_OFFSET],
  [["linux/stat.h"], "offsetof(struct statx, stx_mode)", STATX_MODE_OFFSET],
  [["linux/stat.h"], "offsetof(struct statx, stx_ino)", STATX_INO_OFFSET],
  [["linux/stat.h"], "offsetof(struct statx, stx_rdev_major)", STATX_RDEV_OFFSET],
  [["asm/statfs.h"], "sizeof(struct statfs)", STATFS_BYTES],
];

const needsCompiler = hasCompiler() ? {} : { skip: "needs gcc and the kernel's headers (packages gcc, libc6-dev)" };

for (const { includes, type, layout, members = {}, grown = false } of STRUCTS) {
  test(`struct ${layout.name} is the one of the headers`, needsCompiler, (t) => {
    const fields = Object.entries(layout.fields).filter(([name]) => members[name] !== null);
    const place = (name: string): string => `offsetof(type, ${members[name] ?? name})`;
    const expressions = ["sizeof(type)", ...fields.map(([name]) => place(name))];
    const values = evaluateC(includes, expressions, `typedef ${type} type;`);
    const size = values.get("sizeof(type)");
    if (size === undefined) return t.skip(`${type} is not in these headers`);
    if (grown) assert.ok(size >= layout.size, `${size}`);
    else assert.equal(size, BigInt(layout.size));
    for (const [name, { offset }] of fields) assert.equal(values.get(place(name)), BigInt(offset), name);
  });
}

for (const [includes, expression, value] of NUMBERS) {
  test(`${expression} is ${value}`, needsCompiler, () => {
    assert.equal(evaluateC(includes, [expression]).get(expression), BigInt(value));
  });
}
