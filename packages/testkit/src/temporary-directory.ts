import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { parseMountinfo } from "./mountinfo.ts";

/** A directory that exists until it is disposed of. */
export interface TemporaryDirectory extends Disposable {
  /** Absolute and without links. Its last component is unique on the machine. */
  readonly path: string;
}

/** Deletes a tree, but never through a mount: what a failed test left mounted there may be the host's own files. */
function removeTree(path: string): void {
  const mounted = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).find(
    ({ mountPoint }) => mountPoint === path || mountPoint.startsWith(`${path}/`),
  );
  if (mounted !== undefined) {
    const found = `"${mounted.mountPoint}" is still mounted`;
    throw new OrlopError("conflict", `Cannot remove temporary directory "${path}": ${found}`, { operation: "remove" });
  }
  rmSync(path, { recursive: true, force: true });
}

/**
 * Makes a directory below the system's temporary one which every user may enter: a container whose root is mapped to
 * an ordinary id must reach its files.
 *
 * Whoever mounts something in it, for all to see, gives `/run` as `parent`: containers of this machine's own files, which
 * other tests make at the same time, show that as empty, while a directory with mounts below it is not shown as it is.
 *
 * Disposing deletes it with everything in it, and throws `conflict` when something is still mounted below.
 */
export function temporaryDirectory(prefix = "orlop-test-", parent: string = tmpdir()): TemporaryDirectory {
  const path = realpathSync(mkdtempSync(join(parent, prefix)));
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => removeTree(path) };
}

/** Runs `work` with a temporary directory that is deleted afterwards, whatever happens. */
export async function withTemporaryDirectory<T>(work: (path: string) => T | Promise<T>): Promise<T> {
  using directory = temporaryDirectory();
  return await work(directory.path);
}
