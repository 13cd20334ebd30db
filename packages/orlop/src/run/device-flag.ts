import { readdirSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type LinuxDevice, type LinuxDeviceCgroup, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { deviceNumber } from "./device-number.ts";

export interface RequestedDevice {
  readonly device: LinuxDevice;
  readonly rule: LinuxDeviceCgroup;
  /** The host's node; an ordinary user's container gets that one bound. */
  readonly hostPath: string;
}

/** Devices below one directory that is asked for. */
const DEVICES_MAX = 4096;

/**
 * `HOST[:CONTAINER][:rwm]`: a device of the host, or a directory of them.
 *
 * @throws OrlopError
 */
export function parseDevice(text: string): readonly RequestedDevice[] {
  const parts = text.split(":");
  const [hostPath = ""] = parts;
  const last = parts.at(-1) ?? "";
  const access = parts.length > 1 && /^[rwm]+$/.test(last) && !isAbsolute(last) ? last : "rwm";
  const path = parts[1] === undefined || (parts.length === 2 && parts[1] === access) ? hostPath : parts[1];
  const wellFormed = parts.length < 4 && isAbsolute(path) && (parts.length < 3 || parts[2] === access);
  if (!wellFormed || new Set(access).size !== access.length) {
    throw new OrlopError("invalid", `invalid device specification: ${text}`);
  }
  const found = devicesAt(hostPath, path, access);
  if (found.length > 0) return found;
  throw new OrlopError("invalid", `Cannot use device "${hostPath}": not a device node`);
}

function devicesAt(hostPath: string, path: string, access: string): readonly RequestedDevice[] {
  let stat: Stats;
  try {
    stat = statSync(hostPath);
  } catch (cause) {
    throw systemFailure(`use device "${hostPath}"`, cause);
  }
  if (!stat.isDirectory()) return device(stat, hostPath, path, access);
  const names = readdirSync(hostPath).slice(0, DEVICES_MAX);
  return names.flatMap((name) => devicesAt(join(hostPath, name), join(path, name), access)).slice(0, DEVICES_MAX);
}

function device(stat: Stats, hostPath: string, path: string, access: string): readonly RequestedDevice[] {
  const type = stat.isCharacterDevice() ? "c" : stat.isBlockDevice() ? "b" : undefined;
  if (type === undefined) return [];
  const number = { type, ...deviceNumber(stat.rdev) } as const;
  return [
    {
      device: { ...number, path, fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid },
      rule: { allow: true, ...number, access },
      hostPath,
    },
  ];
}
