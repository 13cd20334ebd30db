import type { LinuxDevice, RuntimeSpec } from "@orlop/core";
import {
  components,
  emitAttachWith,
  emitCloneMount,
  emitDirectoryInRoot,
  emitFileInRoot,
  octal,
  type Slot,
  STATX_BYTES,
  STATX_MODE_OFFSET,
  STATX_RDEV_OFFSET,
} from "@orlop/kernel";
import type { Compilation, CreatePlan } from "./compilation.ts";
import { plannedMounts } from "./mount-sources.ts";

/** runtime-spec, config-linux.md, "Default Devices"; /dev/console and /dev/ptmx are made elsewhere. */
const DEFAULT_DEVICES: readonly LinuxDevice[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 0o666, uid: 0, gid: 0 },
];

/** runtime-spec, runtime-linux.md, "Dev symbolic links", and the ptmx of the container's own devpts. */
const LINKS = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
  ["/dev/ptmx", "pts/ptmx"],
] as const;

const TYPE_FLAGS = { c: 0o20000, u: 0o20000, b: 0o60000, p: 0o10000 } as const;

/** A /dev that is the host's must not be written to. */
function devIsBound(c: Pick<Compilation, "plan">): boolean {
  return plannedMounts(c).some(({ mount, options }) => mount.destination === "/dev" && options.bind !== "no");
}

interface PlannedDevice {
  readonly device: LinuxDevice;
  readonly field: string | undefined;
}

function allDevices({ linux }: RuntimeSpec): readonly PlannedDevice[] {
  const asked = linux?.devices ?? [];
  const names = new Set(asked.map(({ path }) => path));
  return [
    ...DEFAULT_DEVICES.filter(({ path }) => !names.has(path)).map((device) => ({ device, field: undefined })),
    ...asked.map((device, index) => ({ device, field: `linux.devices[${index}]` })),
  ];
}

/** Paths of device nodes that are the host's, bound. */
export function boundDevices(plan: CreatePlan): readonly string[] {
  const { spec } = plan.request;
  const inUserNamespace = plan.host.rootless || (spec.linux?.namespaces ?? []).some(({ type }) => type === "user");
  return inUserNamespace && !devIsBound({ plan }) ? allDevices(spec).map(({ device }) => device.path) : [];
}

/** Device nodes and links. In a user namespace no node can be made: there the host's are bound. */
export function emitDevices(c: Compilation): void {
  const { p } = c;
  const { spec } = c.plan.request;
  if (devIsBound(c)) return;
  p.step({ action: "let modes be what they are given as" });
  p.call("umask", [0]);
  const directory = new DeviceDirectory(c);
  for (const { device, field } of allDevices(spec)) {
    p.step({ action: `make device "${device.path}"`, field, why: field === undefined ? "default device" : undefined });
    if (c.withinUserNamespace) emitBindDevice(c, device);
    else emitMakeDevice(c, device, directory);
  }
  p.step({ action: 'make links in "/dev"' });
  for (const [path, target] of LINKS) {
    const { parent, name } = directory.open(path);
    if (path === "/dev/ptmx") p.call("unlinkat", [parent, p.text(name), 0], { ignore: ["ENOENT"] });
    p.call("symlinkat", [p.text(target), parent, p.text(name)], { ignore: ["EEXIST"] });
  }
  directory.close();
  p.call("umask", [0o22]);
}

/** The directory that devices are being made in: most follow one another in /dev, so it stays open between them. */
class DeviceDirectory {
  readonly #c: Compilation;
  readonly #slot: Slot;
  #path: string | undefined;

  constructor(c: Compilation) {
    this.#c = c;
    this.#slot = c.p.slot("device_directory");
  }

  open(path: string): { readonly parent: Slot; readonly name: string } {
    const parts = components(path);
    const name = parts.pop() ?? "";
    const parent = parts.join("/");
    if (parent !== this.#path) {
      this.close();
      emitDirectoryInRoot(this.#c.p, this.#c.root, parent, this.#slot);
      this.#path = parent;
    }
    return { parent: this.#slot, name };
  }

  close(): void {
    if (this.#path !== undefined) this.#c.p.call("close", [this.#slot]);
    this.#path = undefined;
  }
}

function emitMakeDevice(c: Compilation, device: LinuxDevice, directory: DeviceDirectory): void {
  const { p } = c;
  const { parent, name } = directory.open(device.path);
  // The field may carry file type bits, as stat(2) gives them.
  const mode = (device.fileMode ?? 0o666) & 0o7777;
  const number = deviceNumber(device.major ?? 0, device.minor ?? 0);
  const type = TYPE_FLAGS[device.type];
  const show = p.number(number, `makedev(${device.major ?? 0}, ${device.minor ?? 0})`);
  const there = p.label("something is there");
  const made = p.label("device is made");
  p.call("mknodat", [parent, p.text(name), octal(p, type | mode), show], { on: ["EEXIST"], goto: there });
  p.jump(made);
  p.mark(there);
  // The image's own /dev: what stands there must be this device and nothing that only has its name.
  emitExpectDevice(c, parent, name, type, device);
  p.mark(made);
  const owner = [device.uid ?? 0, device.gid ?? 0] as const;
  if (owner[0] !== 0 || owner[1] !== 0) {
    p.call("fchownat", [parent, p.text(name), ...owner, p.flags("AT_SYMLINK_NOFOLLOW")]);
  }
}

/** Fails with EEXIST unless the file `name` is this device. */
function emitExpectDevice(c: Compilation, parent: Slot, name: string, type: number, device: LinuxDevice): void {
  const { p } = c;
  const stat = p.scratch(STATX_BYTES, "{statx}");
  const found = p.slot("found");
  const other = p.label("not the device");
  const right = p.label("the device itself");
  const flags = p.flags("AT_SYMLINK_NOFOLLOW");
  p.call("statx", [parent, p.text(name), flags, p.flags("STATX_BASIC_STATS"), stat]);
  p.load(found, stat.at(STATX_MODE_OFFSET), 2);
  p.and(found, found, p.flags("S_IFMT"));
  p.branch(found, "ne", octal(p, type), other);
  if (device.type === "p") p.jump(right);
  p.load(found, stat.at(STATX_RDEV_OFFSET), 8);
  const number = (BigInt(device.minor ?? 0) << 32n) | BigInt(device.major ?? 0);
  p.branch(found, "eq", p.number(number, `{major=${device.major ?? 0}, minor=${device.minor ?? 0}}`), right);
  p.mark(other);
  p.fail("EEXIST");
  p.mark(right);
}

function emitBindDevice(c: Compilation, device: LinuxDevice): void {
  const { p } = c;
  const mount = p.slot("mount");
  const target = p.slot("target");
  emitCloneMount(p, p.flags("AT_FDCWD"), device.path, false, mount);
  emitFileInRoot(p, c.root, device.path, target);
  // A device is nothing to execute; whatever else its mount may do, it stays one.
  const change = { set: ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NOEXEC"], clear: [] } as const;
  emitAttachWith(p, mount, target, { change, recursive: false });
  p.call("close", [mount]);
  p.call("close", [target]);
}

/** The kernel's encoding of a device number in 32 bits: include/linux/kdev_t.h, new_encode_dev. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
