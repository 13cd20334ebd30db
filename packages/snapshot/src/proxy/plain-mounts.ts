import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type ErofsLayerFiles, OrlopError, type SnapshotMount } from "@orlop/core";
import { overlayMount } from "../mounts/overlay-mount.ts";
import { rootFilesystem } from "../mounts/root-filesystem.ts";
import { SystemCalls } from "../system/system-calls.ts";

/** linux/magic.h. */
const EROFS_SUPER_MAGIC_V1 = 0xe0f5_e1e2;
/** In the directory of an image: where it is mounted, and a file that says which one it is. */
const MOUNTPOINT = "fs";
const SOURCE = "source";
/** Of the name of a directory; the shorter, the more layers fit into what mount(2) takes. */
const NAME_LENGTH = 12;

/**
 * Makes of mounts that name each other, which containerd knows since 2.2, mounts that every client of the kernel can make:
 * images of layers are mounted here, and an overlay names the directories.
 *
 * An image stays mounted until it is gone, as a client makes its mounts whenever it likes. Overlays that have been made keep
 * their layers by themselves: to unmount an image takes nothing from a container that runs.
 */
export class PlainMounts implements AsyncDisposable {
  readonly #directory: string;
  readonly #system = new SystemCalls();
  /** By images: no two calls mount the same. */
  readonly #held = new Map<string, Promise<string>>();
  /** One after the other. */
  #released = Promise.resolve();

  /** @param directory of this object alone; what another one has left mounted there is taken over */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws OrlopError what the kernel says to a mount */
  async hold(mounts: readonly SnapshotMount[]): Promise<readonly SnapshotMount[]> {
    if (mounts.length === 1) return mounts;
    const root = rootFilesystem(mounts);
    if (root.kind !== "overlay") throw new OrlopError("internal", "Cannot hold mounts: they are no overlay");
    const lower = await Promise.all(root.lower.map((each) => (typeof each === "string" ? each : this.#mount(each))));
    const { writes } = root;
    return [overlayMount(writes === "discard" ? { lower } : { lower, writes })];
  }

  /** Unmounts images that are not there any more. */
  async release(): Promise<void> {
    const before = this.#released;
    this.#released = (async () => {
      await before.catch(() => {});
      for (const name of this.#names()) if (!existsSync(this.#sourceOf(name))) await this.#unmount(name);
    })();
    await this.#released;
  }

  /** Unmounts all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#released, ...this.#held.values()]);
    for (const name of this.#names()) await this.#unmount(name);
    this.#system[Symbol.dispose]();
  }

  async #mount(layer: ErofsLayerFiles): Promise<string> {
    const { erofs: image } = layer;
    const known = this.#held.get(image);
    if (known !== undefined) return await known;
    const mounting = this.#mountNew(layer);
    this.#held.set(image, mounting);
    try {
      return await mounting;
    } catch (error) {
      this.#held.delete(image);
      throw error;
    }
  }

  async #mountNew({ erofs: image, device }: ErofsLayerFiles): Promise<string> {
    // mount(2) has no way to say that a comma is part of a path.
    if (device?.includes(",")) throw new OrlopError("unsupported", `Cannot mount "${image}": its path has a comma`);
    const name = createHash("sha256").update(image).digest("hex").slice(0, NAME_LENGTH);
    const place = join(this.#directory, name);
    const mountpoint = join(place, MOUNTPOINT);
    mkdirSync(mountpoint, { recursive: true, mode: 0o711 });
    if (statfsSync(mountpoint).type === EROFS_SUPER_MAGIC_V1 && this.#sourceOf(name) === image) return mountpoint;
    writeFileSync(join(place, SOURCE), image);
    try {
      await this.#system.run(`mount "${image}"`, (p) => {
        const flags = p.flags("MS_RDONLY");
        const options = device === undefined ? 0 : p.text(`device=${device}`);
        p.call("mount", [p.text(image), p.text(mountpoint), p.text("erofs"), flags, options]);
      });
    } catch (error) {
      this.#forget(name);
      throw error instanceof OrlopError && error.errno === "ENOTBLK" ? noImages(image, error) : error;
    }
    return mountpoint;
  }

  async #unmount(name: string): Promise<void> {
    const mountpoint = join(this.#directory, name, MOUNTPOINT);
    this.#held.delete(this.#sourceOf(name));
    if (existsSync(mountpoint) && statfsSync(mountpoint).type === EROFS_SUPER_MAGIC_V1) {
      await this.#system.run(`unmount "${mountpoint}"`, (p) => {
        p.call("umount2", [p.text(mountpoint), p.flags("MNT_DETACH|UMOUNT_NOFOLLOW")]);
      });
    }
    this.#forget(name);
  }

  /** Without the directory no client takes an empty one for a layer. */
  #forget(name: string): void {
    const place = join(this.#directory, name);
    if (existsSync(join(place, MOUNTPOINT))) rmdirSync(join(place, MOUNTPOINT));
    rmSync(join(place, SOURCE), { force: true });
    rmdirSync(place);
  }

  #names(): readonly string[] {
    return existsSync(this.#directory) ? readdirSync(this.#directory) : [];
  }

  #sourceOf(name: string): string {
    const file = join(this.#directory, name, SOURCE);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }
}

/** As the kernel has it for files in memory and on other file systems that it reads no pages of. */
function noImages(image: string, cause: OrlopError): OrlopError {
  const what =
    "the kernel mounts no images from the file system that it is on\nTry another --root, or --snapshotter overlay.";
  return new OrlopError("unsupported", `Cannot mount "${image}": ${what}`, {
    operation: "mount",
    errno: "ENOTBLK",
    cause,
  });
}
