import type { LinuxResources } from "@orlop/core";
import { unknownAccess } from "@orlop/kernel";
import type { Warn } from "./warn.ts";

/** Tells of letters that stand for no access to a device: configs have them, and other runtimes pass over them silently. */
export function warnOfDeviceAccess({ devices = [] }: LinuxResources, warn: Warn): void {
  for (const rule of devices) {
    const unknown = unknownAccess(rule);
    if (unknown === "") continue;
    const verb = rule.allow ? "allow" : "deny";
    warn(
      `Cannot ${verb} device access "${unknown}": access is made of r, w and m; of "${rule.access}" the rest counts`,
    );
  }
}
