import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the machine's image is made of. Two equal recipes make the same image, up to Debian's updates. */
export interface ImageRecipe {
  /** Debian's release. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** A directory that is laid over the root before the packages are configured. */
  readonly tree: string;
  /** Commands inside the finished root. */
  readonly commands: readonly string[];
  /** The size of the root file system; the file is sparse. */
  readonly sizeMiB: number;
}

const suite = "bookworm";
/** What makes it a machine; what the tests use comes on top. */
const machinePackages = [
  "linux-image-cloud-amd64",
  "systemd-sysv",
  "udev",
  "dbus",
  "dbus-user-session",
  "libpam-systemd",
];
/** Node's own needs, and peers' programs that only privileged tests use. */
const testPackages = ["libatomic1", "criu", "iptables"];
/** Clients with systemd's driver, and what they need here. */
const clientPackages = [
  ...["podman", "conmon", "catatonit", "golang-github-containers-common", "docker.io"],
  // docker loads its profile itself, and starts nothing without that.
  "apparmor",
];

/** Units that cost seconds under emulation and do nothing for a test. */
const unusedUnits = [
  ...["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"],
  // Clients' own: tests start theirs.
  "apparmor.service",
  ...["docker.service", "docker.socket", "containerd.service", "podman-auto-update.timer", "podman-restart.service"],
  ...["getty@.service", "serial-getty@.service", "getty.target", "systemd-binfmt.service", "e2scrub_reap.service"],
];

const commands = [
  // An ordinary user with subordinate ids, whose own systemd runs although nobody has logged in.
  "useradd --create-home tester",
  "mkdir -p /var/lib/systemd/linger",
  "touch /var/lib/systemd/linger/tester",
  "mkdir /checkout",
  `systemctl mask ${unusedUnits.join(" ")}`,
  "systemctl enable orlop-command.service",
];

function packageNames(path: string): readonly string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => /^[a-z]/.test(line));
}

/** The recipe of this checkout: the packages of continuous integration and a systemd to run them under. */
export function imageRecipe(root: string): ImageRecipe {
  const packages = [
    ...machinePackages,
    ...packageNames(join(root, ".ci", "packages")),
    ...testPackages,
    ...clientPackages,
  ];
  return { suite, packages, tree: join(root, "tools", "vm", "root"), commands, sizeMiB: 4096 };
}

/** A name that changes when the recipe does, and not with the place of the checkout. */
export function imageName(recipe: ImageRecipe): string {
  const hash = createHash("sha256").update(JSON.stringify({ ...recipe, tree: undefined }));
  for (const path of globSync("**", { cwd: recipe.tree, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .sort()) {
    hash.update(path.name).update(readFileSync(join(path.parentPath, path.name)));
  }
  return `vm-${hash.digest("hex").slice(0, 16)}`;
}
