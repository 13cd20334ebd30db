import { OrlopError } from "@orlop/core";
import type { Database } from "@orlop/image";
import { ErofsDriver } from "./erofs/erofs-driver.ts";
import { OverlayDriver } from "./overlay/overlay-driver.ts";
import type { SnapshotDriver } from "./store/snapshot-driver.ts";
import { StoredSnapshotter } from "./store/stored-snapshotter.ts";
import { SystemCalls } from "./system/system-calls.ts";

export interface OpenSnapshotterOptions {
  /** Of this snapshotter alone; made by the first use. */
  readonly directory: string;
  readonly database: Database;
}

/** Those that containerd has and orlop has not, with what is in the way. */
const REFUSED: Readonly<Record<string, string>> = {
  devmapper: "thin volumes are not made here",
  zfs: "it needs the zfs programs, which the kernel does not come with",
  blockfile: "images of file systems are not made here",
};

/**
 * A snapshotter of orlop's own by its name.
 *
 * @throws OrlopError `unsupported` for one that there is not
 */
export function openSnapshotter(name: string, { directory, database }: OpenSnapshotterOptions): StoredSnapshotter {
  const system = new SystemCalls();
  return new StoredSnapshotter({ directory, database, driver: driverOf(name, system), system });
}

function driverOf(name: string, system: SystemCalls): SnapshotDriver {
  switch (name) {
    case "erofs":
      return new ErofsDriver(system);
    case "overlay":
      return new OverlayDriver(system, process.geteuid?.() !== 0);
    default: {
      const what = Object.hasOwn(REFUSED, name) ? REFUSED[name] : "there is none of this name";
      throw new OrlopError("unsupported", `Cannot use snapshotter "${name}": ${what}\nTry erofs or overlay.`);
    }
  }
}
