import type { LinuxDevice, LinuxIDMapping } from "@orlop/core";
import { emitAttachWith, emitCloneMount, emitFileInRoot, octal, type Slot, type Value } from "@orlop/kernel";
import { type Compilation, isNew } from "./compilation.ts";
import { sourcesFromReaper } from "./mount-sources.ts";
import { emitAttachOverRoot, emitMemory } from "./scratch-memory.ts";

/** The bits of a node's type: include/uapi/linux/stat.h. */
const NODE_TYPE = { c: 0o20000, u: 0o20000, b: 0o60000, p: 0o10000 } as const;

/** The file type bits of a device. */
export function nodeType({ type }: LinuxDevice): number {
  return NODE_TYPE[type];
}

/** Its access mode; the field may carry file type bits, as stat(2) gives them. */
export function nodeMode({ fileMode = 0o666 }: LinuxDevice): number {
  return fileMode & 0o7777;
}

/** The kernel's encoding of a device number in 32 bits: include/linux/kdev_t.h, new_encode_dev. */
export function nodeNumber({ p }: Compilation, { major = 0, minor = 0 }: LinuxDevice): Value {
  const number = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
  return p.number(number, `makedev(${major}, ${minor})`);
}

/**
 * In the reaper: root of a user namespace makes no device nodes, root outside does. It makes those of the config in
 * memory, with the owners that the config says, and init binds them. Where the reaper may not either, init binds the
 * host's, which are there or not and belong to whom they belong.
 */
export function emitMakeDeviceNodes(c: Compilation): void {
  const { p, plan } = c;
  const { devices = [], uidMappings = [], gidMappings = [] } = plan.request.spec.linux ?? {};
  if (!makesNodes(c)) return;
  const nodes = nodesSlot(c);
  const refused = p.label("nobody here may make device nodes");
  const made = p.label("device nodes are made");
  emitMemory(c, nodes, "root of the user namespace makes no device nodes", () => {});
  for (const [index, device] of devices.entries()) {
    p.step({ action: `make device "${device.path}" to be bound`, field: `linux.devices[${index}]` });
    const name = p.text(`${index}`);
    const mode = octal(p, nodeType(device) | nodeMode(device));
    p.call("mknodat", [nodes, name, mode, nodeNumber(c, device)], { on: ["EPERM"], goto: refused });
    // The mode that was asked for, whatever the umask here.
    p.call("fchmodat", [nodes, name, octal(p, nodeMode(device))]);
    const owner = [hostId(uidMappings, device.uid ?? 0), hostId(gidMappings, device.gid ?? 0)] as const;
    p.call("fchownat", [nodes, name, ...owner, p.flags("AT_SYMLINK_NOFOLLOW")]);
  }
  p.jump(made);
  p.mark(refused);
  p.call("close", [nodes]);
  p.set(nodes, 0);
  p.mark(made);
}

/** What is not mapped stays root's outside, and nobody's inside. */
function hostId(mappings: readonly LinuxIDMapping[], id: number): number {
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return mapping === undefined ? 0 : mapping.hostID + id - mapping.containerID;
}

function nodesSlot({ p }: Compilation): Slot {
  return p.slot("device_nodes");
}

/** How a joined namespace maps ids is not known. */
function makesNodes(c: Compilation): boolean {
  return sourcesFromReaper(c) && isNew(c, "user") && (c.plan.request.spec.linux?.devices ?? []).length > 0;
}

/** In init: calls `emit` while the nodes of {@link emitMakeDeviceNodes} can be bound. */
export function emitAroundDeviceNodes(c: Compilation, emit: () => void): void {
  const { p } = c;
  if (!makesNodes(c)) {
    emit();
    return;
  }
  const [none, done] = [p.label("there are no device nodes"), p.label("device nodes are out of sight")];
  p.branch(nodesSlot(c), "eq", 0, none);
  // Copies can be taken of what is attached only, before Linux 6.15.
  p.step({ action: "attach the device nodes", why: "they are copied from where they lie" });
  emitAttachOverRoot(c, nodesSlot(c));
  p.mark(none);
  emit();
  p.branch(nodesSlot(c), "eq", 0, done);
  p.step({ action: "take the device nodes out of sight" });
  p.call("fchdir", [nodesSlot(c)]);
  p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
  p.call("fchdir", [c.root]);
  p.call("close", [nodesSlot(c)]);
  p.mark(done);
}

/** Binds the node of `linux.devices[index]`, the host's where there is none; `index` undefined: the host's. */
export function emitBindDevice(c: Compilation, device: LinuxDevice, index: number | undefined): void {
  const { p } = c;
  const mount = p.slot("mount");
  const target = p.slot("target");
  const [hosts, taken] = [p.label("bind the host's"), p.label("the device is taken")];
  if (index !== undefined && makesNodes(c)) {
    p.branch(nodesSlot(c), "eq", 0, hosts);
    emitCloneMount(p, nodesSlot(c), `${index}`, false, mount);
    p.jump(taken);
    p.mark(hosts);
  }
  emitCloneMount(p, p.flags("AT_FDCWD"), device.path, false, mount);
  p.mark(taken);
  emitFileInRoot(p, c.root, device.path, target);
  // A device is nothing to execute; whatever else its mount may do, it stays one.
  const change = { set: ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NOEXEC"], clear: [] } as const;
  emitAttachWith(p, mount, target, { change, recursive: false });
  p.call("close", [mount]);
  p.call("close", [target]);
}
