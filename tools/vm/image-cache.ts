import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The files that a machine is started from. */
export interface MachineImage {
  readonly kernel: string;
  readonly initrd: string;
  /** A raw ext4 file system; machines write beside it, never to it. */
  readonly root: string;
}

/** Readable by everyone, unlike what root keeps for its own containers. */
const systemCache = "/var/cache/orlop-vm";

/** Where this user's images are written: `$XDG_CACHE_HOME/orlop`, else root's for the whole machine, else at home. */
export function cacheDirectory(env: NodeJS.ProcessEnv, uid: number): string {
  if (env.XDG_CACHE_HOME?.startsWith("/")) return join(env.XDG_CACHE_HOME, "orlop");
  return uid === 0 ? systemCache : join(homedir(), ".cache", "orlop");
}

/** The files of an image in its directory, which may not exist. */
export function imageFiles(directory: string): MachineImage {
  return { kernel: join(directory, "vmlinuz"), initrd: join(directory, "initrd"), root: join(directory, "root.ext4") };
}

/** The image of that name, of this user or of the whole machine; undefined when it has not been built. */
export function findImage(name: string): MachineImage | undefined {
  const directories = [cacheDirectory(process.env, process.getuid?.() ?? 0), systemCache];
  const directory = directories.map((cache) => join(cache, name)).find((path) => existsSync(path));
  return directory === undefined ? undefined : imageFiles(directory);
}
