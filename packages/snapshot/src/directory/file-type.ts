import type { BigIntStats } from "node:fs";
import { type LayerEntry, OrlopError } from "@orlop/core";
import type { LowerLeaf } from "../layer/lower-layer.ts";

const TYPES: readonly (readonly [is: (stat: BigIntStats) => boolean, type: LowerLeaf["type"]])[] = [
  [(stat) => stat.isFile(), "file"],
  [(stat) => stat.isSymbolicLink(), "symlink"],
  [(stat) => stat.isCharacterDevice(), "character-device"],
  [(stat) => stat.isBlockDevice(), "block-device"],
  [(stat) => stat.isFIFO(), "fifo"],
];

/** Of what is no directory. Throws `unsupported` for what layers do not have. */
export function fileType(stat: BigIntStats): LowerLeaf["type"] {
  const type = TYPES.find(([is]) => is(stat))?.[1];
  if (type !== undefined) return type;
  throw new OrlopError(
    "unsupported",
    `Cannot use file ${stat.ino} in a layer: it is of a kind that layers do not have`,
  );
}

/** gnu_dev_major() and gnu_dev_minor() of what stat(2) gives; zeros for what is no device. */
export function decodeDevice(stat: BigIntStats): LayerEntry["device"] {
  const device = stat.isCharacterDevice() || stat.isBlockDevice() ? Number(stat.rdev) : 0;
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
