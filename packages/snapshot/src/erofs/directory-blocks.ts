import { DIRENT } from "./erofs-format.ts";

/** EROFS_FT_*, which are the FT_* of include/linux/fs_types.h. */
export const FILE_TYPE = {
  file: 1,
  directory: 2,
  "character-device": 3,
  "block-device": 4,
  fifo: 5,
  symlink: 7,
} as const;

export interface DirectoryEntry<Node> {
  readonly name: Buffer;
  readonly node: Node;
}

/**
 * Splits the entries of a directory, `.` and `..` among them, into what each block holds. Lookups search by halves: names
 * stand in the order of their bytes.
 */
export function splitIntoBlocks<Node>(
  entries: readonly DirectoryEntry<Node>[],
  blockBytes: number,
): readonly (readonly DirectoryEntry<Node>[])[] {
  const blocks: DirectoryEntry<Node>[][] = [];
  let used = blockBytes;
  for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const needed = DIRENT.sizeBytes + entry.name.length;
    if (used + needed > blockBytes) {
      blocks.push([]);
      used = 0;
    }
    blocks.at(-1)?.push(entry);
    used += needed;
  }
  return blocks;
}

export function usedBytes(block: readonly DirectoryEntry<unknown>[]): number {
  return block.reduce((total, { name }) => total + DIRENT.sizeBytes + name.length, 0);
}

/** What stands in one block: the entries, then their names. */
export function encodeBlock<Node>(
  block: readonly DirectoryEntry<Node>[],
  describe: (node: Node) => { readonly nid: number; readonly type: number },
): Buffer {
  const bytes = Buffer.alloc(usedBytes(block));
  let nameAt = block.length * DIRENT.sizeBytes;
  for (const [index, { name, node }] of block.entries()) {
    const { nid, type } = describe(node);
    DIRENT.put(bytes, index * DIRENT.sizeBytes, { nid, nameoff: nameAt, file_type: type });
    name.copy(bytes, nameAt);
    nameAt += name.length;
  }
  return bytes;
}
