import { execFileSync } from "node:child_process";

/** A block device of what is in a file, read-only (losetup(8)); disposing gives it up. */
export function loopDevice(path: string): Disposable & { readonly path: string } {
  const device = execFileSync("losetup", ["--find", "--show", "--read-only", path], { encoding: "utf8" }).trim();
  return { path: device, [Symbol.dispose]: () => void execFileSync("losetup", ["--detach", device]) };
}
