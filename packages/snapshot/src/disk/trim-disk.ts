import { FSTRIM_RANGE } from "@orlop/kernel";
import { openDirectory } from "../system/open-directory.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** Tells the disk below a mounted file system what is free on it, so that it takes no room where that can be given back. */
export async function trimDisk(system: SystemCalls, path: string): Promise<void> {
  await system.run(`trim the file system of "${path}"`, (p) => {
    const root = openDirectory(p, path, "root");
    const range = p.struct(FSTRIM_RANGE, { len: p.number(-1, "all") });
    p.call("ioctl", [root, p.flags("FITRIM"), range], { ignore: ["EOPNOTSUPP", "ENOTTY"] });
    p.call("syncfs", [root]);
  });
}
