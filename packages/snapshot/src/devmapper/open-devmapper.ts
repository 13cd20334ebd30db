import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskDriver } from "../disk/disk-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { checkDevmapper, SETTINGS } from "./check-devmapper.ts";
import { ThinDisks } from "./thin-disks.ts";

/**
 * `devmapper:pool=NAME`, with `size=` and `fs=` where others are wanted, or `devmapper` where snapshots are there already.
 *
 * @param directory where those are
 * @throws OrlopError `unsupported`, `invalid`
 */
export function openDevmapper(name: string, directory: string, system: SystemCalls): DiskDriver {
  const settings = checkDevmapper(name, directory);
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  writeFileSync(join(directory, SETTINGS), JSON.stringify(settings));
  return new DiskDriver(new ThinDisks(system, settings), system);
}
