import type { TarEntry } from "../tar/write-tar.ts";
import { fileEntry } from "./dpkg-database.ts";

/**
 * What the maintainer scripts of the packages at the bottom copy to its place when they are installed first. Others that
 * have to be run are left alone.
 */
const COPIES: Readonly<Record<string, string>> = {
  // base-passwd
  "usr/share/base-passwd/passwd.master": "etc/passwd",
  "usr/share/base-passwd/group.master": "etc/group",
  // libc-bin, and base-files before it
  "usr/share/libc-bin/nsswitch.conf": "etc/nsswitch.conf",
  "usr/share/base-files/nsswitch.conf": "etc/nsswitch.conf",
  // base-files
  "usr/share/base-files/dot.profile": "root/.profile",
  "usr/share/base-files/dot.bashrc": "root/.bashrc",
  "usr/share/base-files/profile": "etc/profile",
  "usr/share/base-files/motd": "etc/motd",
};

const SHELLS_D = "usr/share/debianutils/shells.d/";
const SHELLS = "usr/share/debianutils/shells";
const BASE_FILES = "usr/share/base-files/";
const MAIL_GROUP = 8;

/** Of base-files, if no package has them. */
const DIRECTORIES: Readonly<Record<string, Partial<TarEntry>>> = {
  mnt: {},
  srv: {},
  opt: {},
  "etc/opt": {},
  "var/opt": {},
  media: {},
  "var/mail": { mode: 0o2775, gid: MAIL_GROUP },
  "run/lock": { mode: 0o1777 },
  "usr/local/bin": {},
  "usr/local/etc": {},
  "usr/local/games": {},
  "usr/local/include": {},
  "usr/local/lib": {},
  "usr/local/sbin": {},
  "usr/local/share": {},
  "usr/local/share/man": {},
  "usr/local/src": {},
};
const LINKS: Readonly<Record<string, string>> = {
  "var/run": "/run",
  "var/lock": "/run/lock",
  "var/spool/mail": "../mail",
  "usr/local/man": "share/man",
};

/** Whether the content of a file is needed for what is made without maintainer scripts. */
export function isCopied(path: string): boolean {
  return Object.hasOwn(COPIES, path) || path === SHELLS || path.startsWith(SHELLS_D);
}

/**
 * What the scripts of base-files, base-passwd, libc-bin and debianutils would make of these files; where `scripts` are
 * run later only what those of others need meanwhile, and what they leave alone where it is there. `/tmp` is always there:
 * most programs rely on it, also without base-files.
 */
export function baseFiles(
  contents: ReadonlyMap<string, Buffer>,
  { mtime, scripts }: { readonly mtime: number; readonly scripts: boolean },
): readonly TarEntry[] {
  const entries: TarEntry[] = [{ kind: "directory", path: "tmp", mode: 0o1777, mtime }];
  if (!scripts && [...contents.keys()].some((path) => path.startsWith(BASE_FILES))) {
    for (const [path, special] of Object.entries(DIRECTORIES))
      entries.push({ kind: "directory", path, mode: 0o755, mtime, ...special });
    for (const [path, target] of Object.entries(LINKS))
      entries.push({ kind: "symlink", path, target, mode: 0o777, mtime });
  }
  for (const [from, to] of Object.entries(COPIES)) {
    const content = contents.get(from);
    if (content !== undefined) entries.push(fileEntry(to, content, mtime));
  }
  const shells = contents.get(SHELLS);
  if (!scripts && shells !== undefined) entries.push(fileEntry("etc/shells", shellsOf(shells, contents), mtime));
  return entries;
}

/** As update-shells(8) has it: what the packages name, and the same below `/usr`. */
function shellsOf(begin: Buffer, contents: ReadonlyMap<string, Buffer>): string {
  const named = [...contents]
    .filter(([path]) => path.startsWith(SHELLS_D))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, content]) => content.toString().split("\n"))
    .filter((line) => line.startsWith("/"));
  const all = named.flatMap((shell) => (shell.startsWith("/usr/") ? [shell] : [shell, `/usr${shell}`]));
  return `${begin.toString().trimEnd()}\n${[...new Set(all)].map((shell) => `${shell}\n`).join("")}`;
}
