import { spawnSync } from "node:child_process";

/** include/uapi/linux/btrfs.h: BTRFS_IOC_QUOTA_CTL with BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA. */
const ENABLE =
  'open(my $d, "<", $ARGV[0]) or die $!; my $q = pack("QQ", 4, 0); ioctl($d, 0xc0109428, $q) or die "$!\\n"';

/** As `btrfs quota enable --simple`, which btrfs-progs before 6.7 do not have; gives why it cannot be. */
export function enableSimpleQuotas(path: string): string | undefined {
  const { status, stderr, error } = spawnSync("perl", ["-e", ENABLE, path], { encoding: "utf8" });
  if (error !== undefined) return "needs perl";
  return status === 0 ? undefined : `needs a kernel with simple quotas of btrfs (${stderr.trim()})`;
}
