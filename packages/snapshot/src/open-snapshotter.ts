import { OrlopError } from "@orlop/core";
import type { Database } from "@orlop/image";
import { openBlockfile } from "./blockfile/open-blockfile.ts";
import { BtrfsTrees } from "./btrfs/btrfs-trees.ts";
import { checkBtrfs } from "./btrfs/check-btrfs.ts";
import { openDevmapper } from "./devmapper/open-devmapper.ts";
import { ErofsDriver, type ErofsForm } from "./erofs/erofs-driver.ts";
import { NativeTrees } from "./native/native-trees.ts";
import { OverlayDriver } from "./overlay/overlay-driver.ts";
import { ProjectLimits } from "./projects/project-limits.ts";
import type { SnapshotDriver } from "./store/snapshot-driver.ts";
import { StoredSnapshotter } from "./store/stored-snapshotter.ts";
import { SystemCalls } from "./system/system-calls.ts";
import { WholeTreeDriver } from "./whole/whole-tree-driver.ts";

export interface OpenSnapshotterOptions {
  /** Of this snapshotter alone; made by the first use. */
  readonly directory: string;
  readonly database: Database;
}

/** Those that others have and orlop has not, with what is in the way. */
const REFUSED: Readonly<Record<string, string>> = {
  zfs: "neither Linux nor orlop has ZFS, and its programs would have to be called",
  "fuse-overlayfs":
    "it would have to run in the user namespace of each container, and copies serve where overlay does not",
};

/** What new layers become, as it stands behind the name: `erofs:tar-index`. */
const FORMS: Readonly<Record<string, ErofsForm>> = { erofs: "whole", "erofs:tar-index": "tar-index" };

/** Those that take settings behind a colon. */
const WITH_SETTINGS = /^(blockfile|devmapper):/;

/** What a snapshotter's layers are kept by, whatever new ones become: `erofs` of `erofs:tar-index`. */
export function snapshotterName(name: string): string {
  return Object.hasOwn(FORMS, name) ? "erofs" : (WITH_SETTINGS.exec(name)?.[1] ?? name);
}

/**
 * A snapshotter of orlop's own by its name.
 *
 * @throws OrlopError `unsupported` for one that there is not
 */
export function openSnapshotter(name: string, { directory, database }: OpenSnapshotterOptions): StoredSnapshotter {
  const system = new SystemCalls();
  return new StoredSnapshotter({ directory, database, driver: driverOf(name, directory, system), system });
}

function driverOf(name: string, directory: string, system: SystemCalls): SnapshotDriver {
  const rootless = process.geteuid?.() !== 0;
  switch (WITH_SETTINGS.exec(name)?.[1] ?? name) {
    case "erofs":
    case "erofs:tar-index":
      return new ErofsDriver(system, new ProjectLimits(system, directory), FORMS[name] ?? "whole");
    case "overlay":
      return new OverlayDriver(system, new ProjectLimits(system, directory), rootless);
    case "native":
      return new WholeTreeDriver({ trees: new NativeTrees(system, directory, !rootless), system, rootless });
    case "btrfs":
      checkBtrfs(directory);
      return new WholeTreeDriver({ trees: new BtrfsTrees(system, directory), system, rootless });
    case "blockfile":
      return openBlockfile(name, system);
    case "devmapper":
      return openDevmapper(name, directory, system);
    default:
      throw unknownSnapshotter(name);
  }
}

export function unknownSnapshotter(name: string): OrlopError {
  const what = Object.hasOwn(REFUSED, name) ? REFUSED[name] : "there is none of this name";
  return new OrlopError(
    "unsupported",
    `Cannot use snapshotter "${name}": ${what}\nTry erofs, erofs:tar-index, overlay, native, btrfs, blockfile or devmapper.`,
  );
}
