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
  const entries = composeRoot({ root: "/", mounts, directories, emptied, locked });
  const isMounted = (entry: TreeEntry): entry is MountedEntry => entry.kind === "overlay" || entry.kind === "bind";
  return {
    skeleton: entries.filter((entry): entry is SkeletonEntry => !isMounted(entry)),
    mounted: [
      ...entries.filter(isMounted).map((entry) => readonlyAsHere(entry, mounts)),
      ...(kindOf(SHARED.lower) === "directory" ? sharedOver(entries) : []),
    ],
  };
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

function composeMounted({ mounts, emptied, kindOf }: CaptureView): readonly MountedEntry[] {
  const own = emptied.map((name) => `/${name}`);
  const shown = mounts.filter(({ path, type }) => {
    const isOwn = own.some((place) => path === place || isBelow(path, place));
    return path !== "/" && holdsFiles(type) && !isOwn && !isVolatile(dirname(path), "/");
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
