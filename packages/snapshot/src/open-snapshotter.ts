import { OrlopError } from "@orlop/core";
import type { Database } from "@orlop/image";
import type { ErofsForm } from "./erofs/erofs-driver.ts";
import { ProjectLimits } from "./projects/project-limits.ts";
import type { SnapshotDriver } from "./store/snapshot-driver.ts";
import { StoredSnapshotter } from "./store/stored-snapshotter.ts";
import { SystemCalls } from "./system/system-calls.ts";

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
export async function openSnapshotter(
  name: string,
  { directory, database }: OpenSnapshotterOptions,
): Promise<StoredSnapshotter> {
  const system = new SystemCalls();
  return new StoredSnapshotter({ directory, database, driver: await driverOf(name, directory, system), system });
}

/** Loads no other one: a start of a container uses one, and is shorter than to load all of them. */
async function driverOf(name: string, directory: string, system: SystemCalls): Promise<SnapshotDriver> {
  const rootless = process.geteuid?.() !== 0;
  switch (WITH_SETTINGS.exec(name)?.[1] ?? name) {
    case "erofs":
    case "erofs:tar-index": {
      const { ErofsDriver } = await import("./erofs/erofs-driver.ts");
      return new ErofsDriver(system, new ProjectLimits(system, directory), FORMS[name] ?? "whole");
    }
    case "overlay": {
      const { OverlayDriver } = await import("./overlay/overlay-driver.ts");
      return new OverlayDriver(system, new ProjectLimits(system, directory), rootless);
    }
    case "native": {
      const { openNative } = await import("./native/open-native.ts");
      return openNative(directory, system, rootless);
    }
    case "btrfs": {
      const { openBtrfs } = await import("./btrfs/open-btrfs.ts");
      return openBtrfs(directory, system, rootless);
    }
    case "blockfile": {
      const { openBlockfile } = await import("./blockfile/open-blockfile.ts");
      return openBlockfile(name, system);
    }
    case "devmapper": {
      const { openDevmapper } = await import("./devmapper/open-devmapper.ts");
      return openDevmapper(name, directory, system);
    }
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
