import { dirname } from "node:path";
import type { MountedEntry, TreeEntry } from "@orlop/core";
import { composeRoot, type HostDirectories } from "../image/compose-root.ts";
import { canBeLayer, holdsFiles, isBelow, isVolatile, type MountPoint, mountOf } from "../image/mount-table.ts";

interface CaptureView {
  readonly mounts: readonly MountPoint[];
  readonly directories: HostDirectories;
  /** What a path is now; undefined for what cannot be shown. */
  kindOf(path: string): "directory" | "file" | undefined;
  /** Directories of the root that the command has its own of. */
  readonly emptied: readonly string[];
  /** The directory that the command begins in, without links: it is shown wherever it is. */
  readonly workdir: string;
  /** In a user namespace overlay takes no directory that has mounts below it: they are locked there. */
  readonly locked: boolean;
}

type SkeletonEntry = Exclude<TreeEntry, MountedEntry>;

/** How this machine's files are shown so that all that is written to them can be told apart. */
export interface CapturePlan {
  /** What the root directory holds where that cannot be an overlay itself, parents first; absent: it is one. */
  readonly skeleton?: readonly SkeletonEntry[];
  /** What is put over the root directory, parents first. */
  readonly mounted: readonly MountedEntry[];
}

/** Every file system that holds files, as an overlay of its own; what cannot be one, or be written to, is bound read-only. */
export function composeCapture(view: CaptureView): CapturePlan {
  const { mounts, directories, emptied, locked, kindOf } = view;
  if (!locked) return { mounted: composeMounted(view) };
  const composed = composeRoot({ root: "/", mounts, directories, emptied, locked });
  const shared = kindOf(SHARED.lower) === "directory" ? sharedOver(composed) : [];
  const entries = [...composed, ...workdirIn(composed, view)];
  return {
    skeleton: entries.filter((entry): entry is SkeletonEntry => !isMounted(entry)),
    mounted: [...entries.filter(isMounted).map((entry) => readonlyAsHere(entry, mounts)), ...shared],
  };
}

function isMounted(entry: TreeEntry): entry is MountedEntry {
  return entry.kind === "overlay" || entry.kind === "bind";
}

/** Whether a plan shows what is at a path, and not an empty directory in the place of one above it. */
export function showsPath({ skeleton, mounted }: CapturePlan, path: string): boolean {
  if (skeleton === undefined) return true;
  const holds = ({ path: each }: TreeEntry): boolean => `/${each}` === path || isBelow(path, `/${each}`);
  return mounted.some(holds);
}

/**
 * A place for everybody's files that has something mounted below it is shown empty, as files come and go there; but not where the
 * command begins in it. That directory, or the one in the place that it is in, is shown by itself.
 */
function workdirIn(entries: readonly TreeEntry[], { mounts, workdir }: CaptureView): readonly TreeEntry[] {
  const emptied = entries.some(({ kind, path }) => {
    const above = `/${path}`;
    return (
      kind === "directory" && isVolatile(above, "/") && !isVolatile(dirname(above), "/") && isBelow(workdir, above)
    );
  });
  if (!emptied) return [];
  const shown: TreeEntry[] = [];
  const parts = workdir.split("/").slice(1);
  for (let count = 1; count <= parts.length; count++) {
    const path = parts.slice(0, count).join("/");
    if (!isVolatile(dirname(`/${path}`), "/")) continue;
    const isParted = mounts.some((mount) => isBelow(mount.path, `/${path}`));
    if (isParted && count < parts.length) {
      shown.push({ kind: "directory", path, mode: 0o755 });
      continue;
    }
    const isLayer = !isParted && canBeLayer(mountOf(`/${path}`, mounts)?.type ?? "");
    const lower = `/${path}`;
    shown.push(isLayer ? { kind: "overlay", path, lower } : { kind: "bind", path, source: lower, file: false });
    break;
  }
  return shown;
}

/** What cannot be written to here cannot be there either. */
function readonlyAsHere(entry: MountedEntry, mounts: readonly MountPoint[]): MountedEntry {
  if (entry.kind !== "overlay" || mountOf(entry.lower, mounts)?.readonly !== true) return entry;
  return { kind: "bind", path: entry.path, source: entry.lower, file: false };
}

/** Everybody may write there, and overlay cannot copy a directory of root's for an ordinary user: it is one of its own. */
const SHARED: Extract<MountedEntry, { readonly kind: "overlay" }> = {
  kind: "overlay",
  path: "var/tmp",
  lower: "/var/tmp",
};

function sharedOver(entries: readonly TreeEntry[]): readonly MountedEntry[] {
  return entries.some(({ kind, path }) => kind === "overlay" && path === "var") ? [SHARED] : [];
}

function composeMounted({ mounts, emptied, kindOf, workdir }: CaptureView): readonly MountedEntry[] {
  const own = emptied.map((name) => `/${name}`);
  const shown = mounts.filter(({ path, type }) => {
    const isOwn = own.some((place) => path === place || isBelow(path, place));
    const isPassing = isVolatile(dirname(path), "/") && workdir !== path && !isBelow(workdir, path);
    return path !== "/" && holdsFiles(type) && !isOwn && !isPassing;
  });
  return shown
    .toSorted((a, b) => depth(a) - depth(b))
    .flatMap((mount): readonly MountedEntry[] => {
      const kind = kindOf(mount.path);
      if (kind === undefined) return [];
      const path = mount.path.slice(1);
      // Overlays of containers, of which the kernel stacks no more than two.
      const isLayer = canBeLayer(mount.type) && mount.type !== "overlay";
      if (kind === "directory" && !mount.readonly && isLayer) {
        return [{ kind: "overlay", path, lower: mount.path }];
      }
      return [{ kind: "bind", path, source: mount.path, file: kind === "file" }];
    });
}

function depth({ path }: MountPoint): number {
  return path.split("/").length;
}
