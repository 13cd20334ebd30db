import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "@orlop/core";
import type { ConfigContext, DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, mountConfig, withLinux, withMountOptions, withMounts } from "./base-spec.ts";

/** A directory of the host with a file in it. */
function hostDirectory({ host }: ConfigContext): string {
  const path = join(host, "directory");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "file"), "from the host\n");
  return path;
}

/** The same, with another file system mounted below it. */
function hostTree(context: ConfigContext): string {
  const path = hostDirectory(context);
  const below = join(path, "below");
  mkdirSync(below);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "below", below]);
  context.stack.defer(() => void execFileSync("umount", [below]));
  return path;
}

function hostFile({ host }: ConfigContext): string {
  const path = join(host, "file");
  writeFileSync(path, "from the host\n");
  return path;
}

function tmpfs(...options: readonly string[]): readonly Mount[] {
  return [{ destination: "/mnt", type: "tmpfs", source: "tmpfs", options }];
}

const bind =
  (...options: readonly string[]) =>
  (context: ConfigContext): readonly Mount[] => [
    { destination: "/mnt", type: "bind", source: hostDirectory(context), options },
  ];

const rbind =
  (...options: readonly string[]) =>
  (context: ConfigContext): readonly Mount[] => [
    { destination: "/mnt", type: "bind", source: hostTree(context), options },
  ];

const tmpfsConfigs: readonly DifferentialConfig[] = [
  mountConfig("tmpfs", "a tmpfs", () => tmpfs()),
  mountConfig("tmpfs-without-options", "a tmpfs without an options member", () => [
    { destination: "/mnt", type: "tmpfs", source: "tmpfs" },
  ]),
  mountConfig(
    "tmpfs-sized",
    "a tmpfs with size, mode, owner and number of inodes",
    () => tmpfs("size=1m", "mode=1770", "uid=1000", "gid=2000", "nr_inodes=50"),
    { extra: "stat -c 'mnt %a %u:%g' /mnt" },
  ),
  mountConfig("tmpfs-flags", "flags of a mount", () => tmpfs("ro", "nosuid", "nodev", "noexec", "noatime")),
  mountConfig("tmpfs-contradicting-flags", "flags that take each other back", () =>
    tmpfs("nosuid", "suid", "nodev", "dev", "exec", "noexec", "ro", "rw"),
  ),
  mountConfig("tmpfs-strictatime", "strict access times", () => tmpfs("strictatime")),
  mountConfig("tmpfs-relatime", "relative access times", () => tmpfs("relatime")),
  mountConfig("tmpfs-nodiratime", "no access times of directories", () => tmpfs("nodiratime")),
  mountConfig("tmpfs-sync", "flags of the file system", () => tmpfs("sync", "dirsync", "mand")),
  mountConfig("tmpfs-lazytime", "lazy times", () => tmpfs("lazytime")),
  mountConfig("tmpfs-nosymfollow", "symbolic links that are not followed", () => tmpfs("nosymfollow")),
  mountConfig("tmpfs-defaults", "the option that means nothing", () => tmpfs("defaults")),
  mountConfig("tmpfs-unknown-option", "an option that tmpfs does not have", () => tmpfs("no-such-option")),
  mountConfig("tmpfs-other-source", "a source that is a mere name", () => [
    { destination: "/mnt", type: "tmpfs", source: "a name" },
  ]),
  {
    name: "tmpfs-copy-up",
    exercises: "a tmpfs that begins with what it covers",
    make: (context) => {
      const covered = join(context.rootfs, "mnt");
      mkdirSync(join(covered, "sub"), { recursive: true });
      writeFileSync(join(covered, "sub/file"), "covered\n", { mode: 0o640 });
      symlinkSync("sub/file", join(covered, "link"));
      return withMounts(baseSpec(context), ...tmpfs("tmpcopyup", "mode=755"));
    },
    extra: "find /mnt -exec stat -c '%n %F %a %u:%g' {} +; echo \"content $(cat /mnt/link)\"",
  },
];

const readBack = `echo "file $(cat /mnt/file)"; m=$( (: >/mnt/new) 2>&1); echo "write \${m##*: }"; ls -A /mnt`;

const bindConfigs: readonly DifferentialConfig[] = [
  mountConfig("bind", "a bind mount", bind("bind"), { extra: readBack }),
  mountConfig("bind-by-option", "a bind mount that only its option tells", (context) => [
    { destination: "/mnt", source: hostDirectory(context), options: ["bind"] },
  ]),
  mountConfig("bind-by-type", "a bind mount that only its type tells", bind(), { extra: readBack }),
  mountConfig("bind-readonly", "a read-only bind mount", bind("bind", "ro"), { extra: readBack }),
  mountConfig("bind-flags", "flags of a bind mount", bind("bind", "nosuid", "nodev", "noexec", "noatime")),
  mountConfig("bind-nodiratime", "access time flags of a bind mount", bind("bind", "nodiratime", "strictatime")),
  mountConfig("rbind", "a recursive bind mount", rbind("rbind")),
  mountConfig("bind-of-tree", "a bind mount that leaves out what is mounted below", rbind("bind")),
  mountConfig("rbind-readonly", "a recursive bind mount with a read-only top", rbind("rbind", "ro", "nosuid")),
  mountConfig("rbind-recursively-readonly", "a recursive bind mount read-only all the way down", rbind("rbind", "rro")),
  mountConfig("rbind-recursive-flags", "recursive flags", rbind("rbind", "rnosuid", "rnodev", "rnoexec", "rnoatime")),
  mountConfig("rbind-private", "a recursive bind mount without propagation", rbind("rbind", "rprivate")),
  mountConfig("bind-shared", "a shared bind mount", bind("bind", "shared")),
  mountConfig("bind-slave", "a bind mount that only receives", bind("bind", "slave")),
  mountConfig("bind-unbindable", "an unbindable bind mount", bind("bind", "unbindable")),
  mountConfig("rbind-rshared", "a recursively shared bind mount", rbind("rbind", "rshared")),
  mountConfig("rbind-rslave", "a recursive bind mount that only receives", rbind("rbind", "rslave")),
  mountConfig("bind-source-missing", "a bind source that does not exist", ({ host }) => [
    { destination: "/mnt", type: "bind", source: join(host, "none"), options: ["bind"] },
  ]),
  mountConfig(
    "bind-source-relative",
    "a bind source relative to the bundle",
    (context) => {
      hostDirectory(context);
      return [{ destination: "/mnt", type: "bind", source: "host/directory", options: ["bind"] }];
    },
    { extra: readBack },
  ),
  mountConfig("bind-idmapped", "a bind mount with shifted ids", (context) => {
    const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const source = hostDirectory(context);
    return [
      { destination: "/mnt", type: "bind", source, options: ["bind"], uidMappings: mapping, gidMappings: mapping },
    ];
  }),
];

const fileConfigs: readonly DifferentialConfig[] = [
  mountConfig(
    "bind-file",
    "a file mounted on a file",
    (context) => [{ destination: "/etc/passwd", type: "bind", source: hostFile(context), options: ["bind"] }],
    { extra: 'echo "content $(cat /etc/passwd)"' },
  ),
  mountConfig(
    "bind-file-readonly",
    "a file mounted read-only where there is none",
    (context) => [{ destination: "/etc/new/file", type: "bind", source: hostFile(context), options: ["bind", "ro"] }],
    { extra: 'echo "content $(cat /etc/new/file)"' },
  ),
  mountConfig("bind-file-on-directory", "a file mounted on a directory", (context) => [
    { destination: "/home", type: "bind", source: hostFile(context), options: ["bind"] },
  ]),
  mountConfig("bind-directory-on-file", "a directory mounted on a file", (context) => [
    { destination: "/etc/passwd", type: "bind", source: hostDirectory(context), options: ["bind"] },
  ]),
  mountConfig("bind-device-file", "a device of the host mounted on a new file", () => [
    { destination: "/dev/host-zero", type: "bind", source: "/dev/zero", options: ["bind"] },
  ]),
];

const targetConfigs: readonly DifferentialConfig[] = [
  mountConfig("target-missing", "a mount target that does not exist", () => [
    { destination: "/a/b/c", type: "tmpfs", source: "tmpfs" },
  ]),
  mountConfig("target-relative", "a relative mount target", () => [
    { destination: "a/b", type: "tmpfs", source: "tmpfs" },
  ]),
  mountConfig("target-untidy", "an untidily written mount target", () => [
    { destination: "/home/../mnt//x/", type: "tmpfs", source: "tmpfs" },
  ]),
  mountConfig("target-through-link", "a mount target behind a link", ({ rootfs }) => {
    symlinkSync("home/somebody", join(rootfs, "link"));
    return [{ destination: "/link/sub", type: "tmpfs", source: "tmpfs" }];
  }),
  mountConfig("target-through-absolute-link", "a mount target behind an absolute link", ({ rootfs }) => {
    symlinkSync("/home/somebody", join(rootfs, "link"));
    return [{ destination: "/link", type: "tmpfs", source: "tmpfs" }];
  }),
  mountConfig("target-through-escaping-link", "a mount target behind a link out of the root", ({ rootfs }) => {
    symlinkSync("../../../../../../home", join(rootfs, "link"));
    return [{ destination: "/link/escaped", type: "tmpfs", source: "tmpfs" }];
  }),
  mountConfig("target-dangling-link", "a mount target that is a link to nothing", ({ rootfs }) => {
    symlinkSync("/nowhere/yet", join(rootfs, "link"));
    return [{ destination: "/link", type: "tmpfs", source: "tmpfs" }];
  }),
  mountConfig("target-twice", "two mounts on one target", () => [
    { destination: "/mnt", type: "tmpfs", source: "first", options: ["size=64k"] },
    { destination: "/mnt", type: "tmpfs", source: "second", options: ["size=128k"] },
  ]),
  mountConfig("target-in-mount", "a mount inside an earlier one", () => [
    { destination: "/mnt", type: "tmpfs", source: "outer" },
    { destination: "/mnt/inner/deep", type: "tmpfs", source: "inner" },
  ]),
  mountConfig("target-in-readonly-mount", "a mount inside an earlier read-only one", () => [
    { destination: "/mnt", type: "tmpfs", source: "outer", options: ["ro"] },
    { destination: "/mnt/inner", type: "tmpfs", source: "inner" },
  ]),
  mountConfig("target-root", "a mount on the root", () => [{ destination: "/", type: "tmpfs", source: "tmpfs" }]),
  mountConfig("target-in-proc", "a mount inside /proc", () => [
    { destination: "/proc/sys", type: "tmpfs", source: "tmpfs" },
  ]),
  mountConfig("type-unknown", "a file system that does not exist", () => [
    { destination: "/mnt", type: "no-such-fs", source: "none" },
  ]),
];

const specialConfigs: readonly DifferentialConfig[] = [
  {
    name: "devpts-options",
    exercises: "options of devpts",
    make: (context) =>
      withMountOptions(baseSpec(context), "/dev/pts", ["newinstance", "ptmxmode=0600", "mode=600", "max=4"]),
  },
  {
    name: "sysfs-writable",
    exercises: "a writable sysfs",
    make: (context) => withMountOptions(baseSpec(context), "/sys", ["nosuid", "noexec", "nodev"]),
  },
  {
    name: "cgroup-writable",
    exercises: "a writable cgroup mount",
    make: (context) =>
      withMountOptions(baseSpec(context), "/sys/fs/cgroup", ["nosuid", "noexec", "nodev", "relatime", "rw"]),
  },
  {
    name: "cgroup-writable-in-namespace",
    exercises: "a writable cgroup mount in a cgroup namespace",
    make: (context) => {
      const spec = withMountOptions(baseSpec(context), "/sys/fs/cgroup", ["nosuid", "noexec", "nodev"]);
      return withLinux(spec, { namespaces: [...(spec.linux?.namespaces ?? []), { type: "cgroup" }] });
    },
  },
  {
    name: "device-directory-from-host",
    exercises: "a /dev that is a bind mount, in which nothing may be made",
    make: (context) => {
      const source = hostDirectory(context);
      const spec = baseSpec(context);
      const mounts = (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/dev"));
      return { ...spec, mounts: [...mounts, { destination: "/dev", type: "bind", source, options: ["rbind"] }] };
    },
  },
  {
    name: "device-directory-readonly",
    exercises: "a read-only /dev that must be filled first",
    make: (context) => withMountOptions(baseSpec(context), "/dev", ["nosuid", "mode=755", "ro"]),
  },
];

const propagationConfigs: readonly DifferentialConfig[] = (
  ["shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate"] as const
).map((rootfsPropagation) => ({
  name: `root-propagation-${rootfsPropagation}`,
  exercises: `the root's propagation ${rootfsPropagation}`,
  make: (context) => withLinux(baseSpec(context), { rootfsPropagation }),
}));

/** Mounts of every kind, their targets and options. */
export const mountConfigs: readonly DifferentialConfig[] = [
  ...tmpfsConfigs,
  ...bindConfigs,
  ...fileConfigs,
  ...targetConfigs,
  ...specialConfigs,
  ...propagationConfigs,
];
