import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { join } from "node:path";
import type { Attributes, LowerDirectory, LowerLayer, LowerLeaf, LowerNode } from "../layer/lower-layer.ts";
import type { FileFacts } from "./file-facts.ts";
import { decodeDevice, fileType } from "./file-type.ts";
import { statAttributes } from "./stat-attributes.ts";

const READ_BYTES = 1 << 20;
const NONE: ReadonlyMap<string, Buffer> = new Map();

/** A layer in a directory that nobody else writes to, as overlay takes it, or all that layers show together. */
export class DirectoryLayer implements LowerLayer {
  readonly root: LowerDirectory;
  readonly facts: FileFacts;
  readonly #path: string;
  /** By their inodes, so that hard links are one object. */
  readonly #leaves = new Map<bigint, LowerLeaf>();
  readonly #places = new WeakMap<LowerLeaf, string>();

  constructor(path: string, facts: FileFacts) {
    this.#path = path;
    this.facts = facts;
    this.root = this.#directory("", lstatSync(path, { bigint: true }));
  }

  /** An absolute path of a leaf of this layer. */
  placeOf(leaf: LowerLeaf): string | undefined {
    return this.#places.get(leaf);
  }

  #directory(path: string, stat: BigIntStats): LowerDirectory {
    return {
      kind: "directory",
      attributes: this.#attributes(path, stat),
      opaque: this.facts.opaque.has(path),
      find: (name) => this.#find(path === "" ? name : `${path}/${name}`),
      names: () => readdirSync(join(this.#path, path)),
    };
  }

  #find(path: string): LowerNode | undefined {
    const stat = lstatSync(join(this.#path, path), { bigint: true, throwIfNoEntry: false });
    // Layers have no sockets.
    if (stat === undefined || stat.isSocket()) return undefined;
    if (stat.isDirectory()) return this.#directory(path, stat);
    if (stat.isCharacterDevice() && stat.rdev === 0n) return { kind: "whiteout" };
    const leaf = this.#leaves.get(stat.ino) ?? this.#leaf(path, stat);
    this.#leaves.set(stat.ino, leaf);
    return leaf;
  }

  #leaf(path: string, stat: BigIntStats): LowerLeaf {
    const place = join(this.#path, path);
    const type = fileType(stat);
    const leaf: LowerLeaf = {
      kind: "leaf",
      type,
      attributes: this.#attributes(path, stat),
      target: type === "symlink" ? readlinkSync(place) : "",
      device: decodeDevice(stat),
      size: type === "file" ? Number(stat.size) : 0,
      content: () => contentOf(place),
    };
    this.#places.set(leaf, place);
    return leaf;
  }

  #attributes(path: string, stat: BigIntStats): Attributes {
    return { ...statAttributes(stat), xattrs: this.facts.xattrs.get(path) ?? NONE };
  }
}

function* contentOf(path: string): Generator<Buffer> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const got = readSync(fd, chunk, 0, chunk.length, null);
      if (got === 0) return;
      yield chunk.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}
