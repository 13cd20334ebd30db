import { basename, dirname } from "node:path";
import {
  BTRFS_SUBVOL_ROOTREFS,
  BTRFS_VOL_ARGS_V2,
  type ConstantName,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import { openDirectory } from "../system/open-directory.ts";
import type { SystemCalls } from "../system/system-calls.ts";

const FLAGS_BYTES = 8;

/** Subvolumes of btrfs, by its ioctls (include/uapi/linux/btrfs.h). All of these need root. */
export class Subvolumes {
  readonly #system: SystemCalls;

  constructor(system: SystemCalls) {
    this.#system = system;
  }

  async create(path: string): Promise<void> {
    await this.#system.run(`create subvolume "${path}"`, (p) => {
      const parent = openDirectory(p, dirname(path), "parent");
      change(p, parent, "BTRFS_IOC_SUBVOL_CREATE_V2", path);
    });
  }

  /** Makes one that can be written to, with all that is in another at this moment but the subvolumes in that. */
  async snapshot(from: string, path: string): Promise<void> {
    await this.#system.run(`make snapshot "${path}" of subvolume "${from}"`, (p) => {
      const parent = openDirectory(p, dirname(path), "parent");
      change(p, parent, "BTRFS_IOC_SNAP_CREATE_V2", path, openDirectory(p, from, "source"));
    });
  }

  /** @throws OrlopError with errno `ENOTEMPTY` where there are subvolumes in it */
  async destroy(path: string): Promise<void> {
    await this.#system.run(`remove subvolume "${path}"`, (p) => {
      const parent = openDirectory(p, dirname(path), "parent");
      change(p, parent, "BTRFS_IOC_SNAP_DESTROY_V2", path);
    });
  }

  async setReadonly(path: string, isReadonly: boolean): Promise<void> {
    await this.#system.run(`make subvolume "${path}" ${isReadonly ? "read-only" : "writable"}`, (p) => {
      const subvolume = openDirectory(p, path, "subvolume");
      const [flags, now] = [p.buffer(FLAGS_BYTES), p.slot("flags")];
      p.call("ioctl", [subvolume, p.flags("BTRFS_IOC_SUBVOL_GETFLAGS"), flags]);
      p.load(now, flags, FLAGS_BYTES);
      // The lowest bit only tells how the kernel was asked to make it.
      p.and(now, now, p.number(~3n));
      if (isReadonly) p.add(now, now, p.flags("BTRFS_SUBVOL_RDONLY"));
      p.store(flags, FLAGS_BYTES, now);
      p.call("ioctl", [subvolume, p.flags("BTRFS_IOC_SUBVOL_SETFLAGS"), flags]);
    });
  }

  /** How many subvolumes are directly in it, of 255 at most. */
  async countInside(path: string): Promise<number> {
    return await this.#system.ask(`look for subvolumes in "${path}"`, (p) => {
      const subvolume = openDirectory(p, path, "subvolume");
      const [found, count] = [p.struct(BTRFS_SUBVOL_ROOTREFS, {}), p.slot("count")];
      // More than one answer has room for.
      p.call("ioctl", [subvolume, p.flags("BTRFS_IOC_GET_SUBVOL_ROOTREF"), found], { ignore: ["EOVERFLOW"] });
      p.load(count, found.at(BTRFS_SUBVOL_ROOTREFS.fields.num_items.offset), 1);
      return count;
    });
  }
}

function change(p: ProgramBuilder, parent: Slot, command: ConstantName, path: string, source?: Slot): void {
  const args = p.struct(BTRFS_VOL_ARGS_V2, { name: Buffer.from(basename(path)) });
  if (source !== undefined) p.store(args.at(BTRFS_VOL_ARGS_V2.fields.fd.offset), 8, source);
  p.call("ioctl", [parent, p.flags(command), args]);
}
