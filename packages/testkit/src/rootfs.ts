import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where Debian's package busybox-static puts it. */
const busybox = "/bin/busybox";

/** With their modes, so that the caller's umask does not show in the container. */
const directories: readonly (readonly [path: string, mode: number])[] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["home/somebody", 0o755],
  ["proc", 0o555],
  ["root", 0o700],
  ["run", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["var", 0o755],
];

const passwd = `root:x:0:0:root:/root:/bin/sh
somebody:x:1000:1000:Somebody:/home/somebody:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
`;
const group = `root:x:0:
tty:x:5:
somebody:x:1000:
extra:x:2000:somebody
nogroup:x:65534:
`;

/** Why there can be no busybox root file system here, or undefined when there can. For `t.skip`. */
export function busyboxObstacle(): string | undefined {
  return existsSync(busybox) ? undefined : `needs ${busybox} (Debian: apt-get install busybox-static)`;
}

/** The names that tests call. All three hundred would cost more time than a container takes. */
const applets: readonly string[] = [
  ..."cat chmod chown cp cut date dd df dirname echo env expr false find grep head hostname id kill ln ls mkdir".split(
    " ",
  ),
  ..."mkfifo mknod mount mv nproc od printf ps pwd readlink rm rmdir sed seq setsid sh sleep sort stat stty".split(" "),
  ..."sync tail tee test timeout touch tr true tty umount uname uniq wc whoami xargs yes".split(" "),
  ..."ip linux32 linux64".split(" "),
];

/**
 * Fills `directory` (made when missing) with a small Linux root file system: busybox under its common names, users
 * `root`, `somebody` (1000) and `nobody`, and the usual empty directories.
 *
 * busybox is copied: as a hard link it would let a container write to the host's, and a change of owner reach it.
 */
export function makeBusyboxRootfs(directory: string): void {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  for (const [path, mode] of directories) {
    mkdirSync(join(directory, path));
    chmodSync(join(directory, path), mode);
  }
  copyFileSync(busybox, join(directory, "bin/busybox"));
  chmodSync(join(directory, "bin/busybox"), 0o755);
  for (const name of applets) symlinkSync("busybox", join(directory, "bin", name));
  for (const [path, text] of [
    ["etc/passwd", passwd],
    ["etc/group", group],
  ] as const) {
    writeFileSync(join(directory, path), text);
    chmodSync(join(directory, path), 0o644);
  }
}
