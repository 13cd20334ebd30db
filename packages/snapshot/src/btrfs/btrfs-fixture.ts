import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { MakeSnapshotter } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";

/** A snapshotter whose subvolumes can be removed as any directory once it is closed. */
export const makeBtrfs: MakeSnapshotter = async (directory) => {
  const made = await makerOf("btrfs")(directory);
  return {
    snapshotter: made.snapshotter,
    async [Symbol.asyncDispose]() {
      await made[Symbol.asyncDispose]();
      makeWritable(join(directory, "btrfs"));
    },
  };
};

/** All subvolumes that are in a directory. */
export function makeWritable(directory: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const place = join(directory, name);
    // The root directory of a subvolume.
    if (lstatSync(place).ino === 256) execFileSync("btrfs", ["property", "set", "-f", place, "ro", "false"]);
  }
}
