import { type KeptWrites, OrlopError, type RootFilesystem, type TreeEntry } from "@orlop/core";
import {
  emitAttach,
  emitCloneMount,
  emitDirectoryInRoot,
  emitDiskMount,
  emitFileInRoot,
  emitLegacyAttributes,
  emitMountAttributes,
  emitNewFileSystem,
  octal,
  type Slot,
  STATX_BYTES,
  STATX_MNT_ID_OFFSET,
} from "@orlop/kernel";
import { type Compilation, hasHooks, PIVOT_HOOKS } from "./compilation.ts";
import { emitSharedSources, NO_PEER, sourceSlot, sourcesFromReaper } from "./mount-sources.ts";
import { checkLayers, emitLayers, emitOverlayRoot, overlay } from "./overlay-root.ts";
import { emitAttachOverRoot, emitDropScratch, emitMemory, emitScratch } from "./scratch-memory.ts";

/** Cuts propagation towards the host, and attaches the root file system; `c.root` is its mount. */
export function emitRootFileSystem(c: Compilation): void {
  const { p } = c;
  emitSharedSources(c);
  p.step({
    action: "keep mounts from reaching the host",
    field: "linux.rootfsPropagation",
    why: "from here on nothing that is mounted shows outside",
  });
  p.call("mount", [0, p.text("/"), 0, p.flags("MS_REC|MS_SLAVE"), 0]);
  if (c.plan.rootfs.kind === "disk") {
    p.set(c.root, sourceSlot(c, "root"));
    emitAttachRoot(c, c.root);
  } else emitRoot(c, (mount) => emitAttachRoot(c, mount));
}

/**
 * Hooks before the pivot find the container's root where the config says that it is, on the host's: they enter this
 * namespace with tools of the host and mount into it. In a user namespace init may be kept from the place.
 */
function emitAttachRoot(c: Compilation, mount: Slot): void {
  const { p, plan } = c;
  if (plan.rootfs.kind !== "directory" || !hasHooks(c, ...PIVOT_HOOKS)) {
    emitAttachOverRoot(c, mount);
    return;
  }
  const place = p.slot("place");
  const kept = p.label("the place is out of reach");
  const done = p.label("attached");
  const flags = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(plan.rootfs.path), flags, 0], {
    into: place,
    on: ["EACCES"],
    goto: kept,
  });
  emitAttach(p, mount, place);
  p.call("close", [place]);
  p.jump(done);
  p.mark(kept);
  emitAttachOverRoot(c, mount);
  p.mark(done);
}

/** Puts the root file system together as the mount `c.root`; `attach` gives it its place. */
export function emitRoot(c: Compilation, attach: (mount: Slot) => void): void {
  const { rootfs } = c.plan;
  switch (rootfs.kind) {
    case "directory":
      emitDirectoryRoot(c, rootfs.path, attach);
      break;
    case "overlay":
      emitOverlayRoot(c, rootfs.lower, rootfs.writes, attach);
      break;
    case "disk":
      emitDiskMount(c.p, rootfs, c.root);
      attach(c.root);
      break;
    case "tree":
      emitTreeRoot(c, rootfs, attach);
      break;
  }
}

/** The kernel would only say "invalid argument". */
export function checkRoot({ plan, withinUserNamespace }: Compilation): void {
  const { host } = plan;
  const rootfs = (plan.rootfs.kind === "tree" ? plan.rootfs.base : undefined) ?? plan.rootfs;
  if (rootfs.kind === "overlay") checkLayers(rootfs.lower, withinUserNamespace);
  if (rootfs.kind === "disk" && withinUserNamespace) {
    const what = "the kernel mounts disks only for root of the machine, not in a user namespace";
    throw new OrlopError("unsupported", `Cannot use root file system "${rootfs.source}": ${what}`, {
      field: "root.path",
    });
  }
  if (rootfs.kind !== "directory") return;
  const kind = host.fileKind(rootfs.path);
  if (kind !== "file" && kind !== "fifo") return;
  throw new OrlopError("invalid", `Cannot use root file system "${rootfs.path}": it is a ${kind}, not a directory`, {
    field: "root.path",
  });
}

function emitDirectoryRoot(c: Compilation, path: string, attach: (mount: Slot) => void): void {
  const { p } = c;
  p.step({ action: `use root file system "${path}"`, field: "root.path", why: "pivot_root wants a mount" });
  if (sourcesFromReaper(c)) p.set(c.root, sourceSlot(c, "root"));
  else emitCloneMount(p, p.flags("AT_FDCWD"), path, true, c.root);
  attach(c.root);
  if (sourcesFromReaper(c)) emitLegacyAttributes(p, c.root, NO_PEER);
}

type Tree = Extract<RootFilesystem, { readonly kind: "tree" }>;

function emitTreeRoot(c: Compilation, { base, entries }: Tree, attach: (mount: Slot) => void): void {
  if (base === undefined) emitMemory(c, c.root, "the root directory itself", attach);
  else if (base.kind === "directory") emitDirectoryRoot(c, base.path, attach);
  else emitOverlayRoot(c, base.lower, base.writes, attach);
  emitScratch(c);
  for (const [index, entry] of entries.entries()) emitTreeEntry(c, entry, `${index}`);
  emitDropScratch(c);
}

function emitTreeEntry(c: Compilation, entry: TreeEntry, scratch: string): void {
  const { p } = c;
  const target = p.slot("target");
  const mount = p.slot("mount");
  switch (entry.kind) {
    case "directory":
      p.step({ action: `make directory "/${entry.path}"` });
      p.call("mkdirat", [c.root, p.text(entry.path), octal(p, entry.mode)], { ignore: ["EEXIST"] });
      p.call("fchmodat", [c.root, p.text(entry.path), octal(p, entry.mode)]);
      return;
    case "symlink":
      p.step({ action: `make link "/${entry.path}"` });
      p.call("symlinkat", [p.text(entry.target), c.root, p.text(entry.path)]);
      return;
    case "overlay":
      emitEntryOverlay(c, entry, scratch, mount);
      emitDirectoryInRoot(p, c.root, entry.path, target);
      break;
    case "bind":
      p.step({ action: `bind "${entry.source}" read-only to "/${entry.path}"` });
      emitCloneMount(p, p.flags("AT_FDCWD"), entry.source, true, mount);
      emitMountAttributes(p, mount, {
        change: { set: ["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NOSUID"], clear: [] },
        recursive: true,
      });
      if (entry.file) emitFileInRoot(p, c.root, entry.path, target);
      else emitDirectoryInRoot(p, c.root, entry.path, target);
      break;
  }
  emitAttach(p, mount, target);
  if (entry.kind === "overlay" && c.plan.request.spec.root.readonly) {
    // Part of the root, so read-only with it; until then it takes mount points.
    p.call("fcntl", [mount, p.flags("F_DUPFD_CLOEXEC"), 0], { into: entrySlot(c, entry) });
  }
  p.call("close", [mount]);
  p.call("close", [target]);
}

function emitEntryOverlay(
  c: Compilation,
  { lower, writes }: Extract<TreeEntry, { readonly kind: "overlay" }>,
  scratch: string,
  mount: Slot,
): void {
  const { p } = c;
  const why = `reads from the host, writes to ${writes === undefined ? "memory" : `"${writes.upper}"`}`;
  p.step({ action: `overlay "${lower}"`, why });
  const made = writes === undefined ? ["", "/upper", "/work"] : [""];
  for (const name of made) p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(`${scratch}${name}`), octal(p, 0o755)]);
  const kept: KeptWrites = writes ?? { upper: `${scratch}/upper`, work: `${scratch}/work` };
  const [upper = "", work = ""] = emitLayers(c, [kept.upper, kept.work], `${scratch}/written`);
  const { volatile = false } = kept;
  emitNewFileSystem(
    p,
    overlay(c, {
      lower: emitLayers(c, [lower], `${scratch}/lower`),
      upper,
      work,
      volatile,
      keeps: writes !== undefined,
    }),
    mount,
  );
}

function entrySlot(c: Compilation, { path }: TreeEntry): Slot {
  return c.p.slot(`entry /${path}`);
}

/** Fails unless "/.." is "/": anything left above the root would be the host's. */
export function emitExpectTop(c: Compilation): void {
  const { p } = c;
  const stat = p.buffer(STATX_BYTES, "{statx}");
  const above = p.slot("above");
  const root = p.slot("root_mount_id");
  const top = p.label("nothing is above the root");
  p.step({ action: "prove that nothing is above the root" });
  for (const [path, into] of [
    ["/", root],
    ["/..", above],
  ] as const) {
    p.call("statx", [p.flags("AT_FDCWD"), p.text(path), 0, p.flags("STATX_MNT_ID"), stat]);
    p.load(into, stat.at(STATX_MNT_ID_OFFSET), 8);
  }
  p.branch(above, "eq", root, top);
  p.fail("EXDEV");
  p.mark(top);
}

/** Makes the container's root the root of the mount namespace, and lets go of the host's. */
export function emitPivot(c: Compilation): void {
  const { p } = c;
  p.step({
    action: "change into the root file system",
    why: "pivot_root(2), not chroot: nothing of the host stays mounted",
  });
  p.call("fchdir", [c.root]);
  p.call("pivot_root", [p.text("."), p.text(".")]);
  p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
  p.call("chdir", [p.text("/")]);
}

/** At the very end: of a mount that is unbindable by now nothing could be bound any more, read-only or as a mask. */
export function emitRootPropagation(c: Compilation): void {
  const { p } = c;
  const propagation = c.plan.request.spec.linux?.rootfsPropagation;
  if (propagation === undefined) return;
  p.step({ action: `make the root mount ${propagation}`, field: "linux.rootfsPropagation" });
  const recursive = propagation.startsWith("r");
  const flag = `MS_${(recursive ? propagation.slice(1) : propagation).toUpperCase()}`;
  // A new peer group (config-linux.md): what a mount of the host's it came from hears no longer reaches it.
  if (flag === "MS_SHARED") p.call("mount", [0, p.text("/"), 0, p.flags("MS_PRIVATE"), 0]);
  p.call("mount", [0, p.text("/"), 0, p.flags(recursive ? `MS_REC|${flag}` : flag), 0]);
}

/** When nothing is to be made in the root any more. */
export function emitReadOnlyRoot(c: Compilation): void {
  const { p, plan } = c;
  if (!plan.request.spec.root.readonly) return;
  p.step({ action: "make the root read-only", field: "root.readonly" });
  const setting = { change: { set: ["MOUNT_ATTR_RDONLY"], clear: [] }, recursive: false } as const;
  emitMountAttributes(p, c.root, setting);
  emitLegacyAttributes(p, c.root, setting);
  emitReadOnlyEntries(c);
}

/** The overlays that a tree consists of are part of its root, and read-only with it. */
export function emitReadOnlyEntries(c: Compilation): void {
  const { rootfs } = c.plan;
  const setting = { change: { set: ["MOUNT_ATTR_RDONLY"], clear: [] }, recursive: false } as const;
  for (const entry of rootfs.kind === "tree" ? rootfs.entries : []) {
    if (entry.kind !== "overlay") continue;
    emitMountAttributes(c.p, entrySlot(c, entry), setting);
    emitLegacyAttributes(c.p, entrySlot(c, entry), setting);
  }
}
