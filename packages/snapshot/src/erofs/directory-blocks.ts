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

/** What can stand in a string as two of its units: as strings they stand before, as bytes behind some others. */
const SURROGATES = /[\ud800-\udfff]/;

/** `.` and `..`, too, in the order of their bytes: lookups search by halves. */
export function sortedNames(names: Iterable<string>): readonly string[] {
  const all = [".", "..", ...names];
  if (!all.some((name) => SURROGATES.test(name))) return all.sort();
  const bytes = all.map((name) => Buffer.from(name)).sort(Buffer.compare);
  return bytes.map((name) => name.toString());
}

/** Names that stand in one block of a directory: from which one to which, that one not among them. */
export interface DirectoryBlock {
  readonly from: number;
  readonly to: number;
  /** What they take. */
  readonly bytes: number;
}

/** Splits the sorted names of a directory into what each block holds. */
export function splitIntoBlocks(names: readonly string[], blockBytes: number): readonly DirectoryBlock[] {
  const blocks: DirectoryBlock[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, name] of names.entries()) {
    const needed = DIRENT.sizeBytes + Buffer.byteLength(name);
    if (bytes + needed > blockBytes) {
      blocks.push({ from, to: index, bytes });
      from = index;
      bytes = 0;
    }
    bytes += needed;
  }
  blocks.push({ from, to: names.length, bytes });
  return blocks;
}

/** What stands in one block: the entries, then their names. */
export function encodeBlock(
  names: readonly string[],
  { from, to, bytes: sizeBytes }: DirectoryBlock,
  describe: (name: string) => { readonly nid: number; readonly type: number },
): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let nameAt = (to - from) * DIRENT.sizeBytes;
  for (let index = from; index < to; index++) {
    const name = names[index] ?? "";
    const { nid, type } = describe(name);
    DIRENT.put(bytes, (index - from) * DIRENT.sizeBytes, { nid, nameoff: nameAt, file_type: type });
    nameAt += bytes.write(name, nameAt);
  }
  return bytes;
}
