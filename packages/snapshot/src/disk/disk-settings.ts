import { OrlopError } from "@orlop/core";

/** What is made where nothing else is asked for; on the disk it takes what is in it. */
const SIZE_BYTES = 10 * 1024 ** 3;
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

export const DISK_TYPES = ["ext4", "xfs"] as const;
export type DiskType = (typeof DISK_TYPES)[number];

/** How the disks of snapshots are made. */
export interface DiskSettings {
  readonly type: DiskType;
  readonly sizeBytes: number;
}

/** What stands behind the name of a snapshotter and a colon: `size=20g,fs=xfs`. @throws OrlopError `invalid` */
export function parseSettings(name: string, keys: readonly string[]): ReadonlyMap<string, string> {
  const at = name.indexOf(":");
  const settings = new Map<string, string>();
  for (const part of at < 0 ? [] : name.slice(at + 1).split(",")) {
    const [, key = "", value = ""] = /^([a-z]+)=(.+)$/s.exec(part) ?? [];
    if (!keys.includes(key)) refuse(name, `"${part}" is none of ${keys.map((each) => `${each}=`).join(", ")}`);
    if (settings.has(key)) refuse(name, `"${key}" is given twice`);
    settings.set(key, value);
  }
  return settings;
}

/** @throws OrlopError `invalid` */
export function diskSettings(name: string, settings: ReadonlyMap<string, string>): DiskSettings {
  const fs = settings.get("fs") ?? "ext4";
  const type = DISK_TYPES.find((each) => each === fs) ?? refuse(name, `fs is ${DISK_TYPES.join(" or ")}, not "${fs}"`);
  const size = settings.get("size");
  return { type, sizeBytes: size === undefined ? SIZE_BYTES : parseSize(name, size) };
}

function parseSize(name: string, text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([kmgt]?)i?b?$/i.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
  if (digits === "" || !Number.isSafeInteger(bytes)) refuse(name, `size is a number with k, m, g or t, not "${text}"`);
  return bytes;
}

function refuse(name: string, what: string): never {
  throw new OrlopError("invalid", `Cannot use snapshotter "${name}": ${what}`);
}
