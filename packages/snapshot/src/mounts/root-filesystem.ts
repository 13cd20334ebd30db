import {
  type DiskFileSystem,
  OrlopError,
  type OverlayLayer,
  type RootFilesystem,
  type SnapshotMount,
} from "@orlop/core";
import { splitLayers } from "./overlay-mount.ts";

/** What `format/mkdir/` and `format/` stand for: containerd, core/mount/manager. */
const FORMATTED = new Set(["format/overlay", "format/mkdir/overlay"]);
const REFERENCE = /^\{\{\s*(mount|overlay)\s+(\d+)(?:\s+(\d+))?\s*\}\}$/;

interface RootFilesystemOptions {
  /** What is written is of no use after a crash of the machine: see `OverlayWrites`. */
  readonly volatile?: boolean;
}

/**
 * A snapshot's mounts as what `Runtime.create` takes.
 *
 * @throws OrlopError `unsupported` for mounts and options that a runtime is not told of, `invalid` for malformed ones
 */
export function rootFilesystem(
  mounts: readonly SnapshotMount[],
  { volatile = false }: RootFilesystemOptions = {},
): RootFilesystem {
  const root = mounts.at(-1);
  if (root === undefined) throw new OrlopError("invalid", "Cannot use snapshot: it has no mounts");
  const before = mounts.slice(0, -1);
  for (const mount of mounts)
    if (mount.target !== undefined) refuse(mount, `it goes to "${mount.target}", below the root`);
  const images = before.map(imageOf);
  if (root.type === "erofs") {
    if (before.length > 0) refuse(root, "there are mounts before it that it does not use");
    return { kind: "overlay", lower: [imageOf(root)], writes: "discard" };
  }
  if (root.type === "overlay" || FORMATTED.has(root.type)) return overlayOf(root, images, volatile);
  if ((root.type === "ext4" || root.type === "xfs") && before.length === 0) return diskOf(root);
  if (root.type === "bind" && before.length === 0) return bindOf(root);
  return refuse(root, "a runtime is not told of mounts of this type");
}

/** The option of an EROFS image for the file that its content is in. */
const DEVICE = "device=";

function imageOf(mount: SnapshotMount): OverlayLayer {
  if (mount.type !== "erofs") refuse(mount, "of mounts before the last there are only those of EROFS images");
  let device: string | undefined;
  for (const option of mount.options) {
    const path = option.startsWith(DEVICE) && option !== DEVICE ? option.slice(DEVICE.length) : undefined;
    if (path !== undefined && device !== undefined) refuse(mount, "it is in more than two files");
    if (path !== undefined) device = path;
    // A loop device is for kernels that do not mount files.
    else if (option !== "ro" && option !== "loop") refuse(mount, `option "${option}" is not known`);
  }
  return { erofs: mount.source, ...(device === undefined ? {} : { device }) };
}

function bindOf(mount: SnapshotMount): RootFilesystem {
  const unknown = mount.options.find((option) => !["ro", "rw", "bind", "rbind"].includes(option));
  if (unknown !== undefined) refuse(mount, `option "${unknown}" is not known`);
  // What may only be read is shown through an overlay, whatever the container does.
  if (mount.options.includes("ro")) return { kind: "overlay", lower: [mount.source], writes: "discard" };
  return { kind: "directory", path: mount.source };
}

/** Options of ext4 and xfs that change nothing of what a container sees. */
const DISK_OPTIONS: ReadonlySet<string> = new Set(["nouuid", "noinit_itable", "discard", "nodiscard", "noatime"]);

function diskOf(mount: SnapshotMount): DiskFileSystem {
  const { type, source, options } = mount;
  const own = options.filter((option) => !["ro", "rw", "loop"].includes(option));
  const unknown = own.find((option) => !DISK_OPTIONS.has(option));
  if (unknown !== undefined) refuse(mount, `option "${unknown}" is not known`);
  return { kind: "disk", type, source, loop: options.includes("loop"), readonly: options.includes("ro"), options: own };
}

/**
 * Most say what is the case anyway: the runtime mounts so in a user namespace, and `index` is off unless asked for. What is
 * discarded is volatile in any case.
 */
const KNOWN_OPTIONS: ReadonlySet<string> = new Set(["ro", "userxattr", "index=off", "volatile"]);

/** Options of overlay that say where directories are. */
const PLACES: ReadonlySet<string> = new Set(["lowerdir", "upperdir", "workdir"]);

function overlayOf(mount: SnapshotMount, images: readonly OverlayLayer[], volatile: boolean): RootFilesystem {
  const values = new Map<string, string>();
  for (const option of mount.options) {
    const [key] = option.split("=", 1) as [string];
    if (PLACES.has(key) && option !== key) values.set(key, option.slice(key.length + 1));
    // The directories are there: `prepare` has made them.
    else if (!KNOWN_OPTIONS.has(option) && !option.startsWith("X-containerd.mkdir.path=")) {
      refuse(mount, `option "${option}" is not known`);
    }
  }
  const lower = splitLayers(values.get("lowerdir") ?? "").flatMap((layer) => layersOf(mount, layer, images));
  if (lower.length === 0) refuse(mount, "it has no layers");
  const [upper, work] = [values.get("upperdir"), values.get("workdir")];
  if (upper === undefined || work === undefined) {
    if (upper !== work) refuse(mount, "of upperdir and workdir there is only one");
    return { kind: "overlay", lower, writes: "discard" };
  }
  const isVolatile = volatile || mount.options.includes("volatile");
  return { kind: "overlay", lower, writes: { upper, work, ...(isVolatile ? { volatile: true } : {}) } };
}

/** A directory, or mounts before by their numbers: one, or all from the first to the last of a range. */
function layersOf(mount: SnapshotMount, layer: string, images: readonly OverlayLayer[]): readonly OverlayLayer[] {
  const [, word, first, last] = REFERENCE.exec(layer) ?? [];
  if (word === undefined) return [layer];
  if ((word === "overlay") !== (last !== undefined)) refuse(mount, `"${layer}" is malformed`);
  const [from, to] = [Number(first), Number(last ?? first)];
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => {
    return images[from + index * step] ?? refuse(mount, `"${layer}" names mounts that are not there`);
  });
}

function refuse({ type, source }: SnapshotMount, what: string): never {
  throw new OrlopError("unsupported", `Cannot use mount of "${source}" (${type}) as a root file system: ${what}`);
}
