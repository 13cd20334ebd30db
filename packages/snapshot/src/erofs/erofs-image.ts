import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import {
  alignUp,
  BLOCK_BITS,
  BLOCK_BYTES,
  CHUNK_ADDRESS_BYTES,
  CHUNK_BASED,
  DATA_LAYOUT_SHIFT,
  DIRENT,
  FLAT_INLINE,
  INODE,
  INODE_EXTENDED,
  INODE_SLOT_BYTES,
  NULL_ADDRESS,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
  XATTR_ENTRY,
  XATTR_HEADER_BYTES,
  XATTR_PREFIXES,
  XATTR_UNIT_BYTES,
} from "./erofs-format.ts";

/** An inode as it is read from an image. */
export interface ErofsInode {
  /** With the type, as stat(2) has it. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly mtimeNanoseconds: number;
  readonly size: number;
  /** Its number, in an image. */
  readonly nid: number;
  /** Of a device, encoded. */
  readonly device: number;
  readonly layout: number;
  readonly place: number;
  /** Bytes from the start of the image: its extended attributes, and what stands behind them. */
  readonly xattrsAt: number;
  readonly tailAt: number;
}

const DIRECTORIES_MAX = 32;
/** limits.h, PATH_MAX. */
const PATH_MAX_BYTES = 4096;
/** chunkbits of struct erofs_inode_chunk_info. */
const CHUNK_BITS_MASK = 0x1f;

/** Reads an image that `writeErofs` has written. */
export class ErofsImage implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #bytes: number;
  readonly #metadataAt: number;
  /** Of the directories that were looked at last, by their numbers: who looks for one name often looks for others. */
  readonly #directories = new Map<number, ReadonlyMap<string, number>>();
  readonly root: ErofsInode;

  /** Throws `invalid` for a file that is no such image. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, constants.O_RDONLY);
    try {
      this.#bytes = fstatSync(this.#fd).size;
      const superblock = this.#read(SUPERBLOCK_OFFSET, SUPERBLOCK.sizeBytes);
      const field = (name: Parameters<typeof SUPERBLOCK.get>[2]): number => SUPERBLOCK.get(superblock, 0, name);
      if (field("magic") !== SUPERBLOCK_MAGIC || field("blkszbits") !== BLOCK_BITS) throw this.#invalid("is none");
      this.#metadataAt = field("meta_blkaddr") * BLOCK_BYTES;
      this.root = this.#inode(field("root_nid"));
      if ((this.root.mode & constants.S_IFMT) !== constants.S_IFDIR) throw this.#invalid("has no root directory");
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** What a directory has under a name. */
  find(directory: ErofsInode, name: string): ErofsInode | undefined {
    const nid = this.#entries(directory).get(name);
    return nid === undefined ? undefined : this.#inode(nid);
  }

  /** Of what a directory holds. */
  *names(directory: ErofsInode): Generator<string> {
    for (const name of this.#entries(directory).keys()) if (name !== "." && name !== "..") yield name;
  }

  #entries(directory: ErofsInode): ReadonlyMap<string, number> {
    const known = this.#directories.get(directory.nid);
    if (known !== undefined) return known;
    const entries = new Map<string, number>();
    for (let at = 0; at < directory.size; at += BLOCK_BYTES) {
      const block = this.content(directory, at, Math.min(BLOCK_BYTES, directory.size - at));
      this.#decode(() => addEntries(block, entries));
    }
    const [first] = this.#directories.size < DIRECTORIES_MAX ? [] : this.#directories.keys();
    if (first !== undefined) this.#directories.delete(first);
    this.#directories.set(directory.nid, entries);
    return entries;
  }

  /** What a link says. */
  target(inode: ErofsInode): string {
    if (inode.size > PATH_MAX_BYTES) throw this.#invalid("has a link that is too long");
    return this.content(inode, 0, inode.size).toString();
  }

  /** Bytes of a file, a directory or a link; `at` is at the start of a block. */
  content(inode: ErofsInode, at: number, length: number): Buffer {
    const { layout, place, size, tailAt } = inode;
    if (layout === CHUNK_BASED) return this.#chunks(inode, at, length);
    const whole = layout === FLAT_INLINE ? size - (size % BLOCK_BYTES) : size;
    const inBlocks = Math.min(Math.max(whole - at, 0), length);
    const head = this.#read(place * BLOCK_BYTES + at, inBlocks);
    if (inBlocks === length) return head;
    return Buffer.concat([head, this.#read(tailAt + at + inBlocks - whole, length - inBlocks)]);
  }

  /** Extended attributes by their names. */
  xattrs({ xattrsAt, tailAt }: ErofsInode): ReadonlyMap<string, Buffer> {
    const found = new Map<string, Buffer>();
    const all = this.#read(xattrsAt, tailAt - xattrsAt);
    for (let at = XATTR_HEADER_BYTES; at + XATTR_ENTRY.sizeBytes <= all.length; ) {
      const nameAt = at + XATTR_ENTRY.sizeBytes;
      const nameEnd = nameAt + XATTR_ENTRY.get(all, at, "e_name_len");
      const end = nameEnd + XATTR_ENTRY.get(all, at, "e_value_size");
      const prefix = XATTR_PREFIXES.find(([, index]) => index === XATTR_ENTRY.get(all, at, "e_name_index"))?.[0];
      if (prefix === undefined || end > all.length) throw this.#invalid("has malformed attributes");
      found.set(`${prefix}${all.toString("utf8", nameAt, nameEnd)}`, all.subarray(nameEnd, end));
      at = alignUp(end, XATTR_UNIT_BYTES);
    }
    return found;
  }

  #chunks({ place, tailAt }: ErofsInode, at: number, length: number): Buffer {
    const chunkBytes = BLOCK_BYTES * 2 ** (place & CHUNK_BITS_MASK);
    const parts: Buffer[] = [];
    for (let done = 0; done < length; ) {
      const inChunk = (at + done) % chunkBytes;
      const part = Math.min(chunkBytes - inChunk, length - done);
      const addressAt = tailAt + Math.floor((at + done) / chunkBytes) * CHUNK_ADDRESS_BYTES;
      const address = this.#read(addressAt, CHUNK_ADDRESS_BYTES).readUInt32LE();
      parts.push(address === NULL_ADDRESS ? Buffer.alloc(part) : this.#read(address * BLOCK_BYTES + inChunk, part));
      done += part;
    }
    return Buffer.concat(parts);
  }

  #inode(nid: number): ErofsInode {
    const at = this.#metadataAt + nid * INODE_SLOT_BYTES;
    const bytes = this.#read(at, INODE.sizeBytes);
    return this.#decode(() => this.#inodeOf(nid, at, bytes));
  }

  #inodeOf(nid: number, at: number, bytes: Buffer): ErofsInode {
    const field = (name: Parameters<typeof INODE.get>[2]): number => INODE.get(bytes, 0, name);
    const format = field("i_format");
    if ((format & INODE_EXTENDED) === 0) throw this.#invalid("has inodes of the short form");
    const units = field("i_xattr_icount");
    const xattrsAt = at + INODE.sizeBytes;
    return {
      mode: field("i_mode"),
      uid: field("i_uid"),
      gid: field("i_gid"),
      mtime: field("i_mtime"),
      mtimeNanoseconds: field("i_mtime_nsec"),
      size: field("i_size"),
      nid,
      device: field("i_u"),
      layout: format >> DATA_LAYOUT_SHIFT,
      place: field("i_u"),
      xattrsAt,
      tailAt: xattrsAt + (units === 0 ? 0 : XATTR_HEADER_BYTES + (units - 1) * XATTR_UNIT_BYTES),
    };
  }

  /** What does not fit its place is the image's mistake. */
  #decode<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof RangeError) throw this.#invalid(`is malformed: ${error.message}`);
      throw error;
    }
  }

  #read(at: number, length: number): Buffer {
    if (length < 0 || at + length > this.#bytes) throw this.#invalid("ends early");
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = readSync(this.#fd, bytes, done, length - done, at + done);
      if (got === 0) throw this.#invalid("ends early");
      done += got;
    }
    return bytes;
  }

  #invalid(what: string): OrlopError {
    return new OrlopError("invalid", `Cannot read EROFS image "${this.path}": it ${what}`);
  }
}

/** Adds what a block of a directory holds; throws RangeError where there can be none. */
function addEntries(block: Buffer, entries: Map<string, number>): void {
  const count = DIRENT.get(block, 0, "nameoff") / DIRENT.sizeBytes;
  if (count < 1 || !Number.isInteger(count)) throw new RangeError(`a block has ${count} entries`);
  for (let index = 0; index < count; index++) {
    const entryAt = index * DIRENT.sizeBytes;
    const start = DIRENT.get(block, entryAt, "nameoff");
    const end = index + 1 < count ? DIRENT.get(block, entryAt + DIRENT.sizeBytes, "nameoff") : endOfName(block, start);
    entries.set(block.toString("utf8", start, end), DIRENT.get(block, entryAt, "nid"));
  }
}

/** The last name of a block ends with it, or with a zero. */
function endOfName(block: Buffer, start: number): number {
  const zero = block.indexOf(0, start);
  return zero < 0 ? block.length : zero;
}
