import type { LayerEntry } from "@orlop/core";
import { LayerTree } from "../layer/layer-tree.ts";
import type { Attributes, LowerLayer, LowerLeaf } from "../layer/lower-layer.ts";
import { AppendFile } from "./append-file.ts";
import { encodeSuperblock } from "./encode-superblock.ts";
import { encodeXattrs } from "./encode-xattrs.ts";
import { BLOCK_BYTES, INODE } from "./erofs-format.ts";
import { type ContentFiles, contentSink, EMPTY_CONTENT, type FileContent } from "./file-content.ts";
import { placeInodes } from "./place-inodes.ts";
import { writeMetadata } from "./write-metadata.ts";

interface ErofsLayerOptions {
  /** The layers below, the uppermost first; absent: not known before `finish`. */
  readonly below?: readonly LowerLayer[] | undefined;
  /** There will be a `sync`, and what can be done for it before is done. */
  readonly durable?: boolean;
}

/**
 * Writes a layer as an EROFS image into a new file, in one pass: content goes to the file as it comes, and what the kernel
 * looks up by name to its end. Whiteouts are written as overlay has them. The same entries give the same bytes.
 *
 * Until it is disposed of it has two files open.
 */
export class ErofsLayerWriter implements Disposable {
  readonly #files: ContentFiles;
  readonly #tree: LayerTree<FileContent>;
  readonly #durable: boolean;

  /** @throws the error of open(2) where there is a file at `path` */
  constructor(path: string, { below, durable = false }: ErofsLayerOptions) {
    this.#durable = durable;
    this.#tree = new LayerTree({ below, copy: (leaf, from) => this.#copy(leaf, from) });
    using stack = new DisposableStack();
    const image = stack.use(new AppendFile(path));
    stack.defer(() => image.remove());
    const spool = new AppendFile(`${path}.tails`);
    spool.remove();
    this.#files = { image, spool };
    image.appendZeros(BLOCK_BYTES);
    stack.move();
  }

  /** @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says */
  async add(entries: AsyncIterable<LayerEntry>): Promise<void> {
    for await (const entry of entries) {
      this.#tree.add(entry, entry.kind === "file" ? await this.#write(entry) : EMPTY_CONTENT);
    }
  }

  /** Nothing can be added afterwards. Throws as `add`, also for what could not be settled without the layers below. */
  finish(below: readonly LowerLayer[] | undefined): void {
    const { image } = this.#files;
    this.#tree.settle(below);
    const inodes = placeInodes(this.#tree.root);
    const metadata = writeMetadata(this.#files, inodes);
    image.overwrite(encodeSuperblock(inodes, metadata, inodes.get(this.#tree.root), image.size), 0);
  }

  /** What has been written is on the disk afterwards. */
  async sync(): Promise<void> {
    await this.#files.image.sync();
  }

  /** Removes the file. */
  remove(): void {
    this.#files.image.remove();
  }

  [Symbol.dispose](): void {
    this.#files.image[Symbol.dispose]();
    this.#files.spool[Symbol.dispose]();
  }

  async #write(entry: LayerEntry): Promise<FileContent> {
    if (entry.size === 0) return EMPTY_CONTENT;
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
