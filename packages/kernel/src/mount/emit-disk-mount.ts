import type { ProgramBuilder } from "../program/builder.ts";
import type { Slot } from "../program/instruction.ts";
import { emitLoopDevice } from "./emit-loop-device.ts";
import { emitNewFileSystem } from "./emit-mount.ts";
import { parseMountOptions } from "./mount-options.ts";

/** A file system on a block device. */
export interface DiskMount {
  /** `ext4`, `xfs`. */
  readonly type: string;
  /** Path of the device, or of a file that is made one. */
  readonly source: string;
  /** The source is a file. */
  readonly loop: boolean;
  readonly readonly: boolean;
  /** Of mount(8), for the file system. */
  readonly options: readonly string[];
}

/** `into` = descriptor of a new, unattached mount. A device that is made for it goes with the last mount of it. */
export function emitDiskMount(p: ProgramBuilder, disk: DiskMount, into: Slot): void {
  const { type, source, loop, readonly, options } = disk;
  const device = p.slot("block_device");
  const place = loop ? emitLoopDevice(p, { path: source, readonly }, device) : source;
  p.step({ action: `mount ${type} of "${source}"`, field: "root.path" });
  const parsed = parseMountOptions([...options, readonly ? "ro" : "rw"], type, "root");
  emitNewFileSystem(p, { type, source: place, options: parsed }, into);
  if (loop) p.call("close", [device]);
}
