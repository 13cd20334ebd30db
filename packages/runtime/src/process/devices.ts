import type { LinuxDevice, RuntimeSpec } from "@orlop/core";
import {
  components,
  emitDirectoryInRoot,
  octal,
  type Slot,
  STATX_BYTES,
  STATX_MODE_OFFSET,
  STATX_RDEV_OFFSET,
} from "@orlop/kernel";
import type { Compilation, CreatePlan } from "./compilation.ts";
import { emitAroundDeviceNodes, emitBindDevice, nodeMode, nodeNumber, nodeType } from "./device-nodes.ts";
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

/** A /dev that is the host's must not be written to. */
function devIsBound(c: Pick<Compilation, "plan">): boolean {
  return plannedMounts(c).some(({ mount, options }) => mount.destination === "/dev" && options.bind !== "no");
}

interface PlannedDevice {
  readonly device: LinuxDevice;
  /** Of `linux.devices`; undefined for a default device. */
  readonly index: number | undefined;
}

function allDevices({ linux }: RuntimeSpec): readonly PlannedDevice[] {
  const asked = linux?.devices ?? [];
  const names = new Set(asked.map(({ path }) => path));
  return [
    ...DEFAULT_DEVICES.filter(({ path }) => !names.has(path)).map((device) => ({ device, index: undefined })),
    ...asked.map((device, index) => ({ device, index })),
  ];
}

/** Paths of device nodes that are from outside, bound. Whoever restores the container takes the host's. */
export function boundDevices(plan: CreatePlan): readonly string[] {
  const { spec } = plan.request;
  const inUserNamespace = plan.host.rootless || (spec.linux?.namespaces ?? []).some(({ type }) => type === "user");
  return inUserNamespace && !devIsBound({ plan }) ? allDevices(spec).map(({ device }) => device.path) : [];
}

/** Device nodes and links. In a user namespace no node can be made: there those from outside are bound. */
export function emitDevices(c: Compilation): void {
  const { p } = c;
  const { spec } = c.plan.request;
  if (devIsBound(c)) return;
  p.step({ action: "let modes be what they are given as" });
  p.call("umask", [0]);
  const directory = new DeviceDirectory(c);
  emitAroundDeviceNodes(c, () => {
    for (const planned of allDevices(spec)) emitDevice(c, planned, directory);
  });
  p.step({ action: 'make links in "/dev"' });
  for (const [path, target] of LINKS) {
    const { parent, name } = directory.open(path);
    if (path === "/dev/ptmx") p.call("unlinkat", [parent, p.text(name), 0], { ignore: ["ENOENT"] });
    p.call("symlinkat", [p.text(target), parent, p.text(name)], { ignore: ["EEXIST"] });
  }
  directory.close();
  p.call("umask", [0o22]);
}

function emitDevice(c: Compilation, { device, index }: PlannedDevice, directory: DeviceDirectory): void {
  const origin = index === undefined ? { why: "default device" } : { field: `linux.devices[${index}]` };
  c.p.step({ action: `make device "${device.path}"`, ...origin });
  if (c.withinUserNamespace) emitBindDevice(c, device, index);
  else emitMakeDevice(c, device, directory);
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
  const type = nodeType(device);
  const there = p.label("something is there");
  const made = p.label("device is made");
  p.call("mknodat", [parent, p.text(name), octal(p, type | nodeMode(device)), nodeNumber(c, device)], {
    on: ["EEXIST"],
    goto: there,
  });
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
