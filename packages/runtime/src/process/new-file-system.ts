import { OrlopError } from "@orlop/core";
import type { MountOptions, NewFileSystem } from "@orlop/kernel";
import type { PlannedMount } from "./mount-sources.ts";

/** The file system that a mount of the config is, as it has to be at first: see {@link isReadOnlyLater}. */
export function newFileSystem(planned: PlannedMount): NewFileSystem {
  const { mount, field, options } = planned;
  const { type } = mount;
  if (type === undefined || type === "" || type === "none") {
    throw new OrlopError("invalid", `Cannot mount "${mount.destination}": it names no type and is no bind`, {
      field: `${field}.type`,
    });
  }
  return { type, source: mount.source ?? type, options: isReadOnlyLater(planned) ? writable(options) : options };
}

/** Memory that is to be read-only in the end still has to take mount points and device nodes first. */
export function isReadOnlyLater({ mount: { type, destination }, options }: PlannedMount): boolean {
  const memory = type === "tmpfs" || destination === "/dev";
  return memory && options.attributes.set.includes("MOUNT_ATTR_RDONLY");
}

function writable(options: MountOptions): MountOptions {
  const set = options.attributes.set.filter((name) => name !== "MOUNT_ATTR_RDONLY");
  const superblockFlags = options.superblockFlags.filter((flag) => flag !== "ro");
  return { ...options, attributes: { ...options.attributes, set }, superblockFlags };
}
