import { type Stats, statSync } from "node:fs";
import { type LinuxBlockIO, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { parseByteSize } from "./byte-size.ts";
import { deviceNumber } from "./device-number.ts";

const WEIGHT_MIN = 10;
const WEIGHT_MAX = 1000;

/** By flag, the list of the config that it fills. */
const THROTTLES = {
  "device-read-bps": "throttleReadBpsDevice",
  "device-write-bps": "throttleWriteBpsDevice",
  "device-read-iops": "throttleReadIOPSDevice",
  "device-write-iops": "throttleWriteIOPSDevice",
} as const satisfies Readonly<Record<string, keyof LinuxBlockIO>>;
type ThrottleFlag = keyof typeof THROTTLES;

/** What is asked of block devices, and by which paths these were named: by `MAJOR:MINOR`. */
export interface BlockLimits {
  readonly limits: LinuxBlockIO;
  readonly paths: Readonly<Record<string, string>>;
}

/**
 * Reads `--blkio-weight`, `--blkio-weight-device` and the limits of reading and writing of `--device-read-bps` and so on, in
 * docker's words where it refuses.
 *
 * @throws OrlopError `invalid`, and for a device that is not there
 */
export function readBlockLimits(flags: ParsedFlags): BlockLimits {
  const paths: Record<string, string> = {};
  const numbered = ({ path, value }: DeviceValue): { major: number; minor: number; value: number } => {
    const { major, minor } = blockDevice(path);
    paths[`${major}:${minor}`] = path;
    return { major, minor, value };
  };
  const weight = flags.parse("blkio-weight", parseWeight);
  const weights = flags.parseAll("blkio-weight-device", parseDeviceWeight).map(numbered);
  const throttles = Object.entries(THROTTLES).flatMap(([flag, list]) => {
    const rates = flags.parseAll(flag, (text) => parseRate(text, flag as ThrottleFlag)).map(numbered);
    return rates.length === 0 ? [] : [[list, rates.map(({ value, ...device }) => ({ ...device, rate: value }))]];
  });
  return {
    limits: {
      ...(weight ? { weight } : {}),
      ...(weights.length === 0
        ? {}
        : { weightDevice: weights.map(({ value, ...device }) => ({ ...device, weight: value })) }),
      ...Object.fromEntries(throttles),
    },
    paths,
  };
}

interface DeviceValue {
  readonly path: string;
  readonly value: number;
}

function parseWeight(text: string): number {
  const weight = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  // 0 is docker's way to say "none".
  if (weight === 0 || (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX)) return weight;
  throw new OrlopError("invalid", "Range of blkio weight is from 10 to 1000");
}

function parseDeviceWeight(text: string): DeviceValue {
  const [path, value] = splitDevice(text);
  const weight = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX) return { path, value: weight };
  throw new OrlopError("invalid", `invalid weight for device: ${text}`);
}

function parseRate(text: string, flag: ThrottleFlag): DeviceValue {
  const [path, value] = splitDevice(text);
  const isBytes = flag.endsWith("bps");
  const number = "Number must be a positive integer";
  const form = isBytes
    ? `<device-path>:<number>[<unit>]. ${number}. Unit is optional and can be kb, mb, or gb`
    : `<device-path>:<number>. ${number}`;
  const rate = isBytes && /^\d/.test(value) ? parseByteSize(value) : Number(/^\d+$/.test(value) ? value : Number.NaN);
  if (Number.isSafeInteger(rate) && rate > 0) return { path, value: rate };
  throw new OrlopError("invalid", `invalid rate for device: ${text}. The correct format is ${form}`);
}

function splitDevice(text: string): readonly [path: string, value: string] {
  const [, path, value] = /^(.+):([^:]+)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined) throw new OrlopError("invalid", `bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new OrlopError("invalid", `bad format for device path: ${text}`);
  return [path, value];
}

function blockDevice(path: string): { readonly major: number; readonly minor: number } {
  let stat: Stats;
  try {
    stat = statSync(path);
  } catch (cause) {
    throw systemFailure(`limit device "${path}"`, cause);
  }
  if (stat.isBlockDevice()) return deviceNumber(stat.rdev);
  throw new OrlopError("invalid", `Cannot limit device "${path}": it is no block device`);
}
