import { OrlopError } from "@orlop/core";
import {
  type AttributeSetting,
  type ConstantName,
  emitLegacyAttributes,
  emitMountAttributes,
  emitOpenInRoot,
  emitReconfigure,
} from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { type PlannedMount, plannedMounts } from "./mount-sources.ts";

/** Attributes that a remount takes away where it does not name them: mount(2), MS_REMOUNT. */
const CLEARED: readonly ConstantName[] = [
  "MOUNT_ATTR_RDONLY",
  "MOUNT_ATTR_NOSUID",
  "MOUNT_ATTR_NODEV",
  "MOUNT_ATTR_NOEXEC",
  "MOUNT_ATTR_NODIRATIME",
];

/** `remount`: other options for what is mounted at the place by now; together with `bind`, for that mount alone. */
export function emitRemount(c: Compilation, planned: PlannedMount): void {
  const { p } = c;
  const { mount, field, options, refuseLinks } = planned;
  checkRemount(c, planned);
  const fd = p.slot("mount");
  p.step({ action: `remount "${mount.destination}"`, field });
  emitOpenInRoot(p, c.root, mount.destination, fd, { flags: "O_PATH", refuseLinks });
  if (options.remount === "mount and file system") {
    const readOnly = options.superblockFlags.includes("ro");
    emitReconfigure(p, fd, readOnly ? options : { ...options, superblockFlags: [...options.superblockFlags, "rw"] });
  }
  const { set, clear } = options.attributes;
  const left = CLEARED.filter((name) => !set.includes(name) && !clear.includes(name));
  const settings: AttributeSetting[] = [
    { change: { set, clear: [...clear, ...left] }, recursive: false },
    { change: options.recursiveAttributes, recursive: true },
  ];
  const { propagation } = options;
  if (propagation !== undefined) settings.push({ propagation: propagation.flag, recursive: propagation.recursive });
  for (const setting of settings) {
    emitMountAttributes(p, fd, setting);
    emitLegacyAttributes(p, fd, setting);
  }
  p.call("close", [fd]);
}

function checkRemount(c: Compilation, { mount, field, options }: PlannedMount): void {
  const refuse = (what: string): never => {
    throw new OrlopError("invalid", `Cannot remount "${mount.destination}": ${what}`, { field: `${field}.options` });
  };
  if (options.idmap !== "no" || options.copyUp) refuse("idmap and tmpcopyup are for new mounts");
  if (options.remount === "mount") {
    const [unknown] = options.data;
    if (unknown !== undefined)
      refuse(`a bind has no option "${unknown.filter((part) => part !== undefined).join("=")}"`);
    return;
  }
  const earlier = plannedMounts(c).slice(
    0,
    plannedMounts(c).findIndex((each) => each.field === field),
  );
  const there = earlier.findLast(
    (each) => each.mount.destination === mount.destination && each.options.remount === "no",
  );
  if (there === undefined) refuse("nothing is mounted there by an earlier entry");
  else if (there.options.bind !== "no") {
    refuse(
      "it is a bind, whose file system is the host's\nTry remount together with bind, which is for the mount alone.",
    );
  }
}
