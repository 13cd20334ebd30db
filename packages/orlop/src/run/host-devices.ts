import { readdirSync } from "node:fs";
import { parseDevice, type RequestedDevice } from "./device-flag.ts";

/** In /dev, what is no device of the machine but belongs to a container or its terminal. */
const OWN: ReadonlySet<string> = new Set([
  ".lxc",
  ".lxd-mounts",
  ".udev",
  "console",
  "fd",
  "mqueue",
  "ptmx",
  "pts",
  "shm",
]);

/** Every device of the host: what a privileged container gets. */
export function hostDevices(): readonly RequestedDevice[] {
  return readdirSync("/dev", { withFileTypes: true }).flatMap((entry) => {
    if (OWN.has(entry.name) || entry.isSymbolicLink()) return [];
    if (!entry.isDirectory() && !entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    return devicesBelow(`/dev/${entry.name}`);
  });
}

function devicesBelow(path: string): readonly RequestedDevice[] {
  try {
    return parseDevice(path);
  } catch {
    // An empty directory, or a node that went away while we looked.
    return [];
  }
}
