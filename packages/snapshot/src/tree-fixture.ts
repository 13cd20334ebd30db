import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "@orlop/testkit";

/** Names, types, modes, owners, times, links and what they point to; sizes of what is not a directory. */
const DESCRIBE = `find . -type d -printf '%P %y %m %U:%G %n %T@\\n' -o -printf '%P %y %m %U:%G %n %T@ %l %s %D\\n' | sed 's/ [0-9]*$//' | sort
find . -type f -exec sha256sum {} + | sort
find . \\( -type c -o -type b \\) -exec stat -c '%n %t:%T' {} + | sort
getfattr -R -h -d -m - . 2>/dev/null | sort`;

/** Everything below a directory, as programs of the system see it. */
export function describeFiles(directory: string): string {
  return execFileSync("sh", ["-c", DESCRIBE], { cwd: directory, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** linux/posix_acl_xattr.h: u::rw-,u:1234:rwx,g::r--,m::rwx,o::r-- */
const ACL = "0x0200000001000600ffffffff02000700d204000004000400ffffffff10000700ffffffff20000400ffffffff";

/** A script that makes files of all kinds in an empty directory. */
export const MAKE_TREE: string = `
mkdir -p files/deep/er etc many empty
for size in 0 1 100 2000 2048 2049 4000 4095 4096 4097 8191 8192 100000 300000 1000000; do
  head -c $size /dev/urandom >files/size-$size
done
head -c 5000000 /dev/zero >files/zeros
head -c 100000 /dev/urandom | dd of=files/holes bs=100000 seek=20 conv=notrunc status=none
truncate -s 7000000 files/holes
for i in $(seq 1500); do echo $i >many/a-rather-long-name-of-a-file-$i; done
ln -s /etc/passwd link; ln -s $(head -c 4000 /dev/zero | tr '\\0' x) long
ln files/size-100 files/deep/er/same
mknod null c 1 3; mknod disk b 259 300; mkfifo fifo
touch -d '2001-02-03 04:05:06.123456789' fifo
touch 'with space' ümläut +plus -- -minus
chown 12345:54321 files/size-1; chmod 4751 files/size-100; chmod 1777 empty
setfattr -n user.colour -v blue files/size-1; setfattr -n user.none etc; setfattr -n trusted.secret -v 0x00ff etc
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 files/size-4096
head -c 3000 /dev/zero | tr '\\0' v >value; setfattr -n user.long -v "$(cat value)" many; setfattr -n user.long -v "$(cat value)" value
setfattr -n system.posix_acl_access -v ${ACL} files/size-2000; setfattr -n system.posix_acl_default -v ${ACL} many
touch -d '1999-12-31' etc many files .
`;

/** Why there are no files with attributes of every kind here, as those of `MAKE_TREE`. */
export function xattrObstacle(): string | undefined {
  if (spawnSync("getfattr", ["--version"]).error !== undefined) return "not installed: attr";
  using directory = temporaryDirectory("orlop-xattrs-", "/run");
  const path = join(directory.path, "file");
  writeFileSync(path, "");
  const args = ["-n", "user.orlop", "-v", "x", path];
  return spawnSync("setfattr", args).status === 0 ? undefined : "needs a tmpfs with attributes of users (Linux 6.6)";
}
