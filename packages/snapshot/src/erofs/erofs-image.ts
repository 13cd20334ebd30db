import { constants } from "node:fs";
import {
  alignUp,
  BLOCK_BYTES,
  CHUNK_ADDRESS_BYTES,
  CHUNK_BASED,
  CHUNK_BITS_MASK,
  CHUNK_INDEX,
  CHUNK_INDEXES,
  DATA_LAYOUT_SHIFT,
  DEVICE_FIRST,
  DEVICE_ITSELF,
  DIRENT,
  FLAT_INLINE,
  INDEX_BLOCK_BYTES,
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
import { ImageFile } from "./image-file.ts";

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

/** Where a stretch of a file begins; without a device it is all zeros. */
interface Chunk {
  readonly device: ImageFile | undefined;
  readonly block: number;
}

/** Reads an image that `writeErofs` has written. */
export class ErofsImage implements Disposable {
  readonly #file: ImageFile;
  /** Of which it is the index. */
  readonly #archive: ImageFile | undefined;
  readonly #blockBytes: number;
  readonly #metadataAt: number;
  /** Of the directories that were looked at last, by their numbers: who looks for one name often looks for others. */
  readonly #directories = new Map<number, ReadonlyMap<string, number>>();
  readonly root: ErofsInode;

  /** @param archive of which it is the index. Throws `invalid` for a file that is no such image. */
  constructor(path: string, archive?: string) {
    using stack = new DisposableStack();
    this.#file = stack.use(new ImageFile(path));
    const superblock = this.#file.read(SUPERBLOCK_OFFSET, SUPERBLOCK.sizeBytes);
    const field = (name: Parameters<typeof SUPERBLOCK.get>[2]): number => SUPERBLOCK.get(superblock, 0, name);
    this.#blockBytes = 2 ** field("blkszbits");
    const isOurs = this.#blockBytes === BLOCK_BYTES || this.#blockBytes === INDEX_BLOCK_BYTES;
    if (field("magic") !== SUPERBLOCK_MAGIC || !isOurs) throw this.#file.invalid("is none");
    if (field("extra_devices") !== (archive === undefined ? 0 : 1)) {
      throw this.#file.invalid(archive === undefined ? "has files in an archive that is not there" : "has no archive");
    }
    this.#archive = archive === undefined ? undefined : stack.use(new ImageFile(archive));
    this.#metadataAt = field("meta_blkaddr") * this.#blockBytes;
    this.root = this.#inode(field("root_nid"));
    if ((this.root.mode & constants.S_IFMT) !== constants.S_IFDIR) throw this.#file.invalid("has no root directory");
    stack.move();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#archive?.[Symbol.dispose]();
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
    for (let at = 0; at < directory.size; at += this.#blockBytes) {
      const block = this.content(directory, at, Math.min(this.#blockBytes, directory.size - at));
      this.#decode(() => addEntries(block, entries));
    }
    const [first] = this.#directories.size < DIRECTORIES_MAX ? [] : this.#directories.keys();
    if (first !== undefined) this.#directories.delete(first);
    this.#directories.set(directory.nid, entries);
    return entries;
  }

  /** What a link says. */
  target(inode: ErofsInode): string {
    if (inode.size > PATH_MAX_BYTES) throw this.#file.invalid("has a link that is too long");
    return this.content(inode, 0, inode.size).toString();
  }

  /** Bytes of a file, a directory or a link; `at` is at the start of a block. */
  content(inode: ErofsInode, at: number, length: number): Buffer {
    const { layout, place, size, tailAt } = inode;
    if (layout === CHUNK_BASED) return this.#chunks(inode, at, length);
    const whole = layout === FLAT_INLINE ? size - (size % this.#blockBytes) : size;
    const inBlocks = Math.min(Math.max(whole - at, 0), length);
    const head = this.#file.read(place * this.#blockBytes + at, inBlocks);
    if (inBlocks === length) return head;
    return Buffer.concat([head, this.#file.read(tailAt + at + inBlocks - whole, length - inBlocks)]);
  }

  /** Extended attributes by their names. */
  xattrs({ xattrsAt, tailAt }: ErofsInode): ReadonlyMap<string, Buffer> {
    const found = new Map<string, Buffer>();
    const all = this.#file.read(xattrsAt, tailAt - xattrsAt);
    for (let at = XATTR_HEADER_BYTES; at + XATTR_ENTRY.sizeBytes <= all.length; ) {
      const nameAt = at + XATTR_ENTRY.sizeBytes;
      const nameEnd = nameAt + XATTR_ENTRY.get(all, at, "e_name_len");
      const end = nameEnd + XATTR_ENTRY.get(all, at, "e_value_size");
      const prefix = XATTR_PREFIXES.find(([, index]) => index === XATTR_ENTRY.get(all, at, "e_name_index"))?.[0];
      if (prefix === undefined || end > all.length) throw this.#file.invalid("has malformed attributes");
      found.set(`${prefix}${all.toString("utf8", nameAt, nameEnd)}`, all.subarray(nameEnd, end));
      at = alignUp(end, XATTR_UNIT_BYTES);
    }
    return found;
  }

  #chunks(inode: ErofsInode, at: number, length: number): Buffer {
    const chunkBytes = this.#blockBytes * 2 ** (inode.place & CHUNK_BITS_MASK);
    const parts: Buffer[] = [];
    for (let done = 0; done < length; ) {
      const inChunk = (at + done) % chunkBytes;
      const part = Math.min(chunkBytes - inChunk, length - done);
      const { device, block } = this.#chunk(inode, Math.floor((at + done) / chunkBytes));
      parts.push(device?.read(block * this.#blockBytes + inChunk, part) ?? Buffer.alloc(part));
      done += part;
    }
    return Buffer.concat(parts);
  }

  #chunk({ place, tailAt }: ErofsInode, index: number): Chunk {
    if ((place & CHUNK_INDEXES) === 0) {
      const block = this.#file.read(tailAt + index * CHUNK_ADDRESS_BYTES, CHUNK_ADDRESS_BYTES).readUInt32LE();
      return { device: block === NULL_ADDRESS ? undefined : this.#file, block };
    }
    const { sizeBytes } = CHUNK_INDEX;
    const bytes = this.#file.read(alignUp(tailAt, sizeBytes) + index * sizeBytes, sizeBytes);
    const block = CHUNK_INDEX.get(bytes, 0, "startblk_lo");
    if (block === NULL_ADDRESS) return { device: undefined, block };
    const id = CHUNK_INDEX.get(bytes, 0, "device_id");
    const device = id === DEVICE_ITSELF ? this.#file : id === DEVICE_FIRST ? this.#archive : undefined;
    if (device === undefined) throw this.#file.invalid(`has files on a device ${id} that is not there`);
    return { device, block };
  }

  #inode(nid: number): ErofsInode {
    const at = this.#metadataAt + nid * INODE_SLOT_BYTES;
    const bytes = this.#file.read(at, INODE.sizeBytes);
    return this.#decode(() => this.#inodeOf(nid, at, bytes));
  }

  #inodeOf(nid: number, at: number, bytes: Buffer): ErofsInode {
    const field = (name: Parameters<typeof INODE.get>[2]): number => INODE.get(bytes, 0, name);
    const format = field("i_format");
    if ((format & INODE_EXTENDED) === 0) throw this.#file.invalid("has inodes of the short form");
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
      if (error instanceof RangeError) throw this.#file.invalid(`is malformed: ${error.message}`);
      throw error;
    }
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
