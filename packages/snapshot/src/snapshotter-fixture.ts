import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Database } from "@orlop/image";
import type { MakeSnapshotter } from "@orlop/testkit";
import { openSnapshotter, snapshotterName } from "./open-snapshotter.ts";

/** A snapshotter of orlop's own, with a database beside it. */
export function makerOf(name: string): MakeSnapshotter {
  return async (directory) => {
    const database = new Database(join(directory, "metadata.db"));
    const snapshotter = await openSnapshotter(name, { directory: join(directory, snapshotterName(name)), database });
    return {
      snapshotter,
      async [Symbol.asyncDispose]() {
        await snapshotter.close();
        database[Symbol.dispose]();
      },
    };
  };
}

/** Why file systems of a type cannot be mounted by this test. */
export function fileSystemObstacle(type: string): string | undefined {
  const reason = rootObstacle();
  if (reason !== undefined) return reason;
  const known = execFileSync("sh", ["-c", `modprobe -q ${type} 2>/dev/null; cat /proc/filesystems`], {
    encoding: "utf8",
  });
  return new RegExp(`\\t${type}\\n`).test(known) ? undefined : `needs a kernel with ${type}`;
}

export function rootObstacle(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "needs root";
}
