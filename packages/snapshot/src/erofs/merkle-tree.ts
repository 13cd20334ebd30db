import { createHash } from "node:crypto";

/** Of SHA-256. */
const HASH_BYTES = 32;

/** A block of hashes on its way. */
interface Level {
  readonly block: Buffer;
  used: number;
}

/**
 * The tree of hashes of fs-verity (Documentation/filesystems/fsverity.rst, "Merkle tree"), with SHA-256 and without a salt, of
 * blocks that are added one after the other. It holds one block of each level.
 */
export class MerkleTree {
  readonly #blockBytes: number;
  /** The lowest first, whose hashes are those of data. */
  readonly #levels: Level[] = [];

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** The last block of data is filled up with zeros. */
  add(block: Buffer): void {
    this.#put(hashOf(block), 0);
  }

  /** Gives the root hash. Nothing can be added afterwards. */
  finish(): Buffer {
    const [lowest] = this.#levels;
    if (lowest === undefined) return Buffer.alloc(HASH_BYTES);
    // The one block of a small file has no tree.
    if (this.#levels.length === 1 && lowest.used === HASH_BYTES) return lowest.block.subarray(0, HASH_BYTES);
    for (let at = 0; ; at++) {
      const { block, used } = this.#level(at);
      const hash = hashOf(block.fill(0, used));
      if (at === this.#levels.length - 1) return hash;
      this.#put(hash, at + 1);
    }
  }

  #put(hash: Buffer, at: number): void {
    const level = this.#level(at);
    // Only of what is not the only block there is a level above.
    if (level.used === this.#blockBytes) {
      this.#put(hashOf(level.block), at + 1);
      level.used = 0;
    }
    hash.copy(level.block, level.used);
    level.used += HASH_BYTES;
  }

  #level(at: number): Level {
    this.#levels[at] ??= { block: Buffer.alloc(this.#blockBytes), used: 0 };
    return this.#levels[at];
  }
}

function hashOf(block: Buffer): Buffer {
  return createHash("sha256").update(block).digest();
}
