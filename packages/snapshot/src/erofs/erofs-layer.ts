import { constants } from "node:fs";
import type { LayerEntry } from "@orlop/core";
import type { Attributes, LowerDirectory, LowerLayer, LowerLeaf, LowerNode } from "../layer/lower-layer.ts";
import { isOpaque, withoutOverlays } from "../layer/overlay-xattrs.ts";
import { ErofsImage, type ErofsInode } from "./erofs-image.ts";

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO } = constants;
const READ_BYTES = 1 << 20;

const TYPES: ReadonlyMap<number, LowerLeaf["type"]> = new Map([
  [S_IFREG, "file"],
  [S_IFLNK, "symlink"],
  [S_IFCHR, "character-device"],
  [S_IFBLK, "block-device"],
  [S_IFIFO, "fifo"],
]);

/** A layer in an EROFS image, read as far as somebody looks. */
export class ErofsLayer implements LowerLayer, Disposable {
  readonly root: LowerDirectory;
  readonly #image: ErofsImage;
  /** What has been looked at, so that hard links are one object. */
  readonly #leaves = new Map<number, LowerLeaf>();

  /** @param archive of which it is the index. Throws `invalid` for a file that is no image of ours. */
  constructor(path: string, archive?: string) {
    this.#image = new ErofsImage(path, archive);
    this.root = this.#directory(this.#image.root);
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
  }

  #directory(inode: ErofsInode): LowerDirectory {
    const xattrs = this.#image.xattrs(inode);
    return {
      kind: "directory",
      attributes: attributesOf(inode, xattrs),
      opaque: isOpaque(xattrs),
      find: (name) => {
        const found = this.#image.find(inode, name);
        return found === undefined ? undefined : this.#node(found);
      },
      names: () => this.#image.names(inode),
    };
  }

  #node(inode: ErofsInode): LowerNode {
    const known = this.#leaves.get(inode.nid);
    if (known !== undefined) return known;
    const format = inode.mode & S_IFMT;
    if (format === S_IFDIR) return this.#directory(inode);
    if (format === S_IFCHR && inode.device === 0) return { kind: "whiteout" };
    const leaf = this.#leaf(inode, TYPES.get(format) ?? "file");
    this.#leaves.set(inode.nid, leaf);
    return leaf;
  }

  #leaf(inode: ErofsInode, type: LowerLeaf["type"]): LowerLeaf {
    const image = this.#image;
    return {
      kind: "leaf",
      type,
      attributes: attributesOf(inode, image.xattrs(inode)),
      target: type === "symlink" ? image.target(inode) : "",
      device: decodeDevice(type.endsWith("device") ? inode.device : 0),
      size: type === "file" ? inode.size : 0,
      *content() {
        for (let at = 0; at < inode.size; at += READ_BYTES) {
          yield image.content(inode, at, Math.min(READ_BYTES, inode.size - at));
        }
      },
    };
  }
}

function attributesOf(inode: ErofsInode, xattrs: ReadonlyMap<string, Buffer>): Attributes {
  const { mode, uid, gid, mtime, mtimeNanoseconds } = inode;
  return { mode: mode & 0o7777, uid, gid, mtime, mtimeNanoseconds, xattrs: withoutOverlays(xattrs) };
}

/** new_decode_dev() of Linux. */
function decodeDevice(device: number): LayerEntry["device"] {
  return { major: (device & 0xfff00) >>> 8, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
