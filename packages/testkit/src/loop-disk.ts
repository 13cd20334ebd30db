import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface LoopDiskOptions {
  /** Of the file system: `btrfs`, `ext4`, `xfs`. */
  readonly type: string;
  readonly sizeBytes: number;
  /** For mkfs(8). */
  readonly make?: readonly string[];
  /** For mount(8). */
  readonly mount?: readonly string[];
}

/** Where files take no time of the disk. */
const MEMORY = "/dev/shm";

/** A file system of a test's own, in a file, until it is disposed of. */
export interface LoopDisk extends Disposable {
  /** Where it is mounted: below /run, which containers of this machine's own files do not show. */
  readonly path: string;
}

/** A new file system, or why there is none here. */
export function tryLoopDisk(options: LoopDiskOptions): LoopDisk | string {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync(`mkfs.${options.type}`, ["-V"]).error !== undefined) return `needs mkfs.${options.type}`;
  try {
    return openLoopDisk(options);
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: Buffer | string };
    const what = [options.type, ...(options.mount ?? [])].join(" with ");
    return `needs a kernel that mounts ${what} from a file (${String(stderr).trim().split("\n")[0]})`;
  }
}

function openLoopDisk({ type, sizeBytes, make = [], mount = [] }: LoopDiskOptions): LoopDisk {
  using stack = new DisposableStack();
  const memory = existsSync(MEMORY) ? MEMORY : undefined;
  const image = join(stack.use(temporaryDirectory("orlop-disk-", memory)).path, "disk");
  writeFileSync(image, "");
  truncateSync(image, sizeBytes);
  execFileSync(`mkfs.${type}`, ["-q", ...make, image], { stdio: "pipe" });
  const { path: place } = stack.use(temporaryDirectory("orlop-disk-", "/run"));
  const path = join(place, "mounted");
  mkdirSync(path);
  execFileSync("mount", ["-t", type, "-o", ["loop", ...mount].join(","), image, path], { stdio: "pipe" });
  stack.defer(() => unmount(path));
  const done = stack.move();
  return { path, [Symbol.dispose]: () => done.dispose() };
}

const ATTEMPTS_MAX = 100;
const PAUSE_MS = 50;

/** Programs of ours that have been told to end are gone a moment later, with what they have open; what is leaked stays. */
function unmount(path: string): void {
  for (let attempts = 1; ; attempts++) {
    try {
      execFileSync("umount", [path], { stdio: "pipe" });
      return;
    } catch (error) {
      const { stderr = "" } = error as { readonly stderr?: Buffer | string };
      if (attempts === ATTEMPTS_MAX || !String(stderr).includes("busy")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
