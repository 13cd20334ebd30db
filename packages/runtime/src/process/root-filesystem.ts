import { OrlopError, type OverlayLayer, type OverlayWrites, type TreeEntry } from "@orlop/core";
import {
  emitAttach,
  emitCloneMount,
  emitDirectoryInRoot,
  emitFileInRoot,
  emitLegacyAttributes,
  emitMountAttributes,
  emitNewFileSystem,
  type NewFileSystem,
  octal,
  parseMountOptions,
  type Slot,
  STATX_BYTES,
  STATX_MNT_ID_OFFSET,
} from "@orlop/kernel";
import { type Compilation, hasHooks, PIVOT_HOOKS } from "./compilation.ts";
import { emitSharedSources, sourceSlot, sourcesFromReaper } from "./mount-sources.ts";

const NO_OPTIONS = parseMountOptions([], undefined, "root");

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
  emitRoot(c, (mount) => emitAttachRoot(c, mount));
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
    case "tree":
      emitTreeRoot(c, rootfs.entries, attach);
      break;
  }
}

/** The kernel would only say "invalid argument". */
export function checkRoot({ plan: { rootfs, host }, withinUserNamespace }: Compilation): void {
  if (rootfs.kind === "overlay") checkLayers(rootfs.lower, withinUserNamespace);
  if (rootfs.kind !== "directory") return;
  const kind = host.fileKind(rootfs.path);
  if (kind !== "file" && kind !== "fifo") return;
  throw new OrlopError("invalid", `Cannot use root file system "${rootfs.path}": it is a ${kind}, not a directory`, {
    field: "root.path",
  });
}

function checkLayers(layers: readonly OverlayLayer[], withinUserNamespace: boolean): void {
  const image = layers.find((layer) => typeof layer !== "string");
  if (image === undefined || !withinUserNamespace) return;
  const what = "the kernel mounts EROFS only for root of the machine, not in a user namespace";
  throw new OrlopError("unsupported", `Cannot use layer "${layerPath(image)}": ${what}`, { field: "root.path" });
}

function emitDirectoryRoot(c: Compilation, path: string, attach: (mount: Slot) => void): void {
  const { p } = c;
  p.step({ action: `use root file system "${path}"`, field: "root.path", why: "pivot_root wants a mount" });
  if (sourcesFromReaper(c)) p.set(c.root, sourceSlot(c, "root"));
  else emitCloneMount(p, p.flags("AT_FDCWD"), path, true, c.root);
  attach(c.root);
}

/**
 * Attaches a mount on top of "/". Absolute paths still start from what lies below it, the host's root, so that the
 * sources of binds are found; and no directory of the host is needed as a place.
 */
export function emitAttachOverRoot(c: Compilation, mount: Slot): void {
  const { p } = c;
  const place = p.slot("place");
  const flags = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), flags, 0], { into: place });
  emitAttach(p, mount, place);
  p.call("close", [place]);
}

/** Memory for what is thrown away at the end: it exists nowhere but in this mount namespace. */
function emitMemory(c: Compilation, into: Slot, why: string, attach: (mount: Slot) => void): void {
  const { p } = c;
  p.step({ action: "make a file system in memory", why });
  const options = parseMountOptions(["mode=0755"], "tmpfs", "root");
  emitNewFileSystem(p, { type: "tmpfs", source: "orlop", options }, into);
  attach(into);
}

/** Makes scratch memory the working directory, so that an overlay can be told of it by relative paths. */
function emitScratch(c: Compilation): void {
  const { p } = c;
  const scratch = p.slot("scratch");
  emitMemory(c, scratch, "it takes what is written, and is gone with the container", (mount) =>
    emitAttachOverRoot(c, mount),
  );
  p.call("fchdir", [scratch]);
}

/**
 * Takes the scratch memory out of the mount tree again; the overlays keep what they need of it. It must not be there at
 * the pivot: with it on top of the old root, one unmount would leave the host's root behind, reachable as "/..".
 */
function emitDropScratch(c: Compilation): void {
  const { p } = c;
  p.step({ action: "take the scratch memory out of sight" });
  p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
}

function emitOverlayRoot(
  c: Compilation,
  lower: readonly OverlayLayer[],
  writes: OverlayWrites,
  attach: (mount: Slot) => void,
): void {
  const { p } = c;
  const discard = writes === "discard";
  const { upper, work } = discard ? { upper: "upper", work: "work" } : writes;
  const hasImages = lower.some((layer) => typeof layer !== "string");
  const needsScratch = discard || hasImages || needsLinks(lower.map(layerPath)) || needsLinks([upper, work]);
  if (needsScratch) emitScratch(c);
  if (discard) {
    for (const name of [upper, work]) p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(name), octal(p, 0o755)]);
  }
  const directories = lower.map((layer, index) =>
    typeof layer === "string" ? layer : emitImage(c, layer.erofs, index),
  );
  p.step({ action: `overlay "${lower.map(layerPath).join(":")}"`, field: "root.path" });
  const layers = hasImages ? directories : emitLayers(c, directories, "lower");
  const [to = upper, by = work] = discard ? [] : emitLayers(c, [upper, work], "written");
  emitNewFileSystem(p, overlay(c, layers, to, by, hasImages), c.root);
  if (needsScratch) emitDropScratch(c);
  attach(c.root);
}

/** Where a layer lies on the host. */
export function layerPath(layer: OverlayLayer): string {
  return typeof layer === "string" ? layer : layer.erofs;
}

/** Mounts an image in the scratch memory; gives its name there. */
function emitImage({ p }: Compilation, path: string, index: number): string {
  const name = `image${index}`;
  const image = p.slot("image");
  const place = p.slot("image_place");
  p.step({ action: `mount image "${path}"`, field: "root.path", why: "from its file, without a block device" });
  emitNewFileSystem(p, { type: "erofs", source: path, options: NO_OPTIONS }, image);
  p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(name), octal(p, 0o700)]);
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(name), flags, 0], { into: place });
  emitAttach(p, image, place);
  p.call("close", [image]);
  p.call("close", [place]);
  return name;
}

/** fsconfig(2) takes strings of so many bytes; before Linux 6.5 overlay's took no comma, however it was written. */
const PARAMETER_MAX_BYTES = 255;

/** Whether overlay's options would take these paths for something else, or not at all. */
function needsLinks(paths: readonly string[]): boolean {
  return paths.some((path) => /[:,\\]/.test(path)) || Buffer.byteLength(paths.join(":")) > PARAMETER_MAX_BYTES;
}

/** Names for directories in options of overlay: their paths or, where these will not do, links in the scratch memory. */
function emitLayers({ p }: Compilation, paths: readonly string[], name: string): readonly string[] {
  if (!needsLinks(paths)) return paths;
  return paths.map((path, index) => {
    const link = `${name}${index}`;
    p.call("symlinkat", [p.text(path), p.flags("AT_FDCWD"), p.text(link)]);
    return link;
  });
}

/** `oneByOne` is for Linux 6.8 or later: there can be 500 layers then, and names are taken as they are. */
function overlay(
  c: Compilation,
  lower: readonly string[],
  upper: string,
  work: string,
  oneByOne = false,
): NewFileSystem {
  const layers = oneByOne
    ? lower.map((path) => ["lowerdir+", path] as const)
    : [["lowerdir", lower.join(":")] as const];
  const data: (readonly [string, string | undefined])[] = [...layers, ["upperdir", upper], ["workdir", work]];
  if (c.withinUserNamespace) data.push(["userxattr", undefined]);
  return { type: "overlay", source: "overlay", options: { ...NO_OPTIONS, data } };
}

function emitTreeRoot(c: Compilation, entries: readonly TreeEntry[], attach: (mount: Slot) => void): void {
  emitMemory(c, c.root, "the root directory itself", attach);
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
      p.step({ action: `overlay "${entry.lower}"`, why: "reads from the host, writes to memory" });
      for (const name of ["", "/upper", "/work"]) {
        p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(`${scratch}${name}`), octal(p, 0o755)]);
      }
      emitNewFileSystem(
        p,
        overlay(c, emitLayers(c, [entry.lower], `${scratch}/lower`), `${scratch}/upper`, `${scratch}/work`),
        mount,
      );
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

function entrySlot(c: Compilation, { path }: TreeEntry): Slot {
  return c.p.slot(`entry /${path}`);
}

/** Fails unless "/.." is "/": anything left above the root would be the host's. */
function emitExpectTop(c: Compilation): void {
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
  emitExpectTop(c);
}

/** At the very end: of a mount that is unbindable by now nothing could be bound any more, read-only or as a mask. */
export function emitRootPropagation(c: Compilation): void {
  const { p } = c;
  const propagation = c.plan.request.spec.linux?.rootfsPropagation;
  if (propagation === undefined) return;
  p.step({ action: `make the root mount ${propagation}`, field: "linux.rootfsPropagation" });
  const recursive = propagation.startsWith("r");
  const flag = `MS_${(recursive ? propagation.slice(1) : propagation).toUpperCase()}`;
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
