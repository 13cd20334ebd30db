import { DiskDriver } from "../disk/disk-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { BlockfileDisks } from "./blockfile-disks.ts";
import { checkBlockfile } from "./check-blockfile.ts";

/**
 * `blockfile`, or with settings behind a colon: `blockfile:size=20g,fs=xfs`, or `blockfile:scratch=/path` of a file with an empty
 * file system.
 *
 * @throws OrlopError `unsupported`, `invalid`
 */
export function openBlockfile(name: string, system: SystemCalls): DiskDriver {
  return new DiskDriver(new BlockfileDisks(system, checkBlockfile(name)), system);
}
