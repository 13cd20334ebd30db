import type { LayerEntries, LayerEntry } from "@orlop/core";
import { LayerTree } from "../layer/layer-tree.ts";
import type { Attributes, LowerLayer, LowerLeaf } from "../layer/lower-layer.ts";
import { AppendFile } from "./append-file.ts";
import { encodeSuperblock, headerBytes } from "./encode-superblock.ts";
import { encodeXattrs } from "./encode-xattrs.ts";
import { alignUp, BLOCK_BYTES, INDEX_BLOCK_BYTES, INODE } from "./erofs-format.ts";
import { type ContentFiles, contentSink, EMPTY_CONTENT, type FileContent } from "./file-content.ts";
import { keepArchive } from "./keep-archive.ts";
import { PlacedInodes } from "./placed-inodes.ts";
import { writeMetadata } from "./write-metadata.ts";

export interface ErofsLayerOptions {
  /** The layers below, the uppermost first; absent: not known before `finish`. */
  readonly below?: readonly LowerLayer[] | undefined;
  /** There will be a `sync`, and what can be done for it before is done. */
  readonly durable?: boolean;
  /** A new file, too, for the archive that the entries come out of: the image becomes an index of it, and keeps what is not in it. */
  readonly archive?: string | undefined;
}

/**
 * Writes a layer as an EROFS image into a new file, in one pass: content goes to the file as it comes, and what the kernel
 * looks up by name to its end. Of an index the content is in the archive, which is written as it comes. Whiteouts are written as overlay has them. The same entries give the same bytes.
 *
 * Until it is disposed of it has two files open, or three.
 */
export class ErofsLayerWriter implements Disposable {
  readonly #files: ContentFiles;
  readonly #archive: AppendFile | undefined;
  readonly #tree: LayerTree<FileContent>;
  readonly #durable: boolean;

  /** @throws the error of open(2) where there is a file already */
  constructor(path: string, { below, durable = false, archive }: ErofsLayerOptions) {
    this.#durable = durable;
    this.#tree = new LayerTree({ below, copy: (leaf, from) => this.#copy(leaf, from) });
    using stack = new DisposableStack();
    const image = stack.use(new AppendFile(path));
    stack.defer(() => image.remove());
    const spool = new AppendFile(`${path}.tails`);
    spool.remove();
    stack.use(spool);
    this.#archive = archive === undefined ? undefined : stack.use(new AppendFile(archive));
    this.#files = { image, spool, blockBytes: archive === undefined ? BLOCK_BYTES : INDEX_BLOCK_BYTES };
    image.appendZeros(headerBytes(this.#files.blockBytes));
    stack.move();
  }

  /** @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says */
  async add(entries: LayerEntries): Promise<void> {
    const archive = this.#archive;
    // What comes is written, or copied, before there is more.
    if (archive === undefined || entries.watchArchive !== undefined) entries.lendChunks?.();
    const { image } = this.#files;
    for (const file of [image, archive]) file?.writeBehind();
    const kept = archive === undefined ? entries : keepArchive(entries, (chunk) => this.#append(archive, chunk));
    try {
      for await (const entry of kept) {
        const isFile = entry.kind === "file";
        const content = isFile ? (this.#writeAtOnce(entry) ?? (await this.#write(entry))) : EMPTY_CONTENT;
        this.#tree.add(entry, content);
      }
    } catch (error) {
      // A file that is still written to takes its room, whether it has a name or not.
      await Promise.all([image.idle(), archive?.idle()]);
      throw error;
    }
    // The kernel reads whole blocks.
    archive?.appendZeros(alignUp(archive.size, INDEX_BLOCK_BYTES));
    await Promise.all([image.settle(), archive?.settle()]);
  }

  /** Nothing can be added afterwards. Throws as `add`, also for what could not be settled without the layers below. */
  finish(below: readonly LowerLayer[] | undefined): void {
    const { image, blockBytes } = this.#files;
    this.#tree.settle(below);
    const inodes = new PlacedInodes(this.#tree.root, blockBytes);
    const metadata = writeMetadata(this.#files, inodes);
    const superblock = encodeSuperblock({
      blockBytes,
      metadata,
      root: inodes.nid(0),
      inodes: inodes.count,
      sizeBytes: image.size,
      archiveBytes: this.#archive?.size,
    });
    image.overwrite(superblock, 0);
    this.#archive?.flush();
  }

  /** What has been written is on the disk afterwards. */
  async sync(): Promise<void> {
    await Promise.all([this.#files.image.sync(), this.#archive?.sync()]);
  }

  /** Removes what it has written. */
  remove(): void {
    this.#files.image.remove();
    this.#archive?.remove();
  }

  [Symbol.dispose](): void {
    this.#files.image[Symbol.dispose]();
    this.#files.spool[Symbol.dispose]();
    this.#archive?.[Symbol.dispose]();
  }

  #append(file: AppendFile, chunk: Buffer): void {
    file.append(chunk);
    if (this.#durable) file.syncSoon();
  }

  /** Undefined where there is something to wait for. */
  #writeAtOnce(entry: LayerEntry): FileContent | undefined {
    if (entry.size === 0) return EMPTY_CONTENT;
    if (this.#archive !== undefined && entry.contentAt !== undefined) {
      return { kind: "archived", block: entry.contentAt / INDEX_BLOCK_BYTES };
    }
    const content = entry.contentAtOnce?.();
    if (content === undefined) return undefined;
    const sink = contentSink(this.#files, entry.size, headBytes(entry, entry.path));
    sink.write(content);
    if (this.#durable) this.#files.image.syncSoon();
    return sink.end();
  }

  async #write(entry: LayerEntry): Promise<FileContent> {
    const sink = contentSink(this.#files, entry.size, headBytes(entry, entry.path));
    for await (const chunk of entry.content()) {
      sink.write(chunk);
      if (this.#durable) this.#files.image.syncSoon();
    }
    return sink.end();
  }

  #copy(leaf: LowerLeaf, path: string): FileContent {
    if (leaf.size === 0) return EMPTY_CONTENT;
    const sink = contentSink(this.#files, leaf.size, headBytes(leaf.attributes, path));
    for (const chunk of leaf.content()) sink.write(chunk);
    return sink.end();
  }
}

function headBytes({ xattrs }: Pick<Attributes, "xattrs">, path: string): number {
  return INODE.sizeBytes + encodeXattrs(xattrs, path).length;
}
