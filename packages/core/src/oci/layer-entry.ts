export type LayerEntryKind =
  | "file"
  | "hard-link"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

/** One entry of a layer (image-spec, layer.md). */
export interface LayerEntry {
  readonly kind: LayerEntryKind;
  readonly path: string;
  /** Permission bits, set-id and sticky bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** On top of the seconds, less than one. */
  readonly mtimeNanoseconds: number;
  /** Of a link: what it says (symlink) or the path of the entry that it shares its content with (hard link). */
  readonly target: string;
  /** Bytes of content. */
  readonly size: number;
  /** Of a device. */
  readonly device: { readonly major: number; readonly minor: number };
  /** Extended attributes by their names. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Bytes of the archive in front of the content; undefined where no archive has it as it is: of a file with holes, say. */
  readonly contentAt: number | undefined;
  /** The content, in chunks; what is not read is skipped. */
  content(): AsyncGenerator<Buffer>;
  /**
   * The whole content where it is at hand already, instead of `content`: most files are small, and waiting for each would take
   * longer than writing it. Absent or undefined: it is to be read by `content`.
   */
  contentAtOnce?(): Buffer | undefined;
}

/** The entries of one layer in their order. */
export interface LayerEntries extends AsyncIterable<LayerEntry> {
  /**
   * Has each chunk of the uncompressed archive that the entries come out of shown to `see` as it comes, to the last byte; called
   * before the first entry is asked for. Absent: they come out of none, or it is not there as a whole.
   */
  watchArchive?(see: (chunk: Buffer) => void): void;
  /**
   * Has chunks of content, and those of the archive, lent only: each is gone when the next one is asked for, and its memory
   * used again. Called before the first entry is asked for. Absent: chunks stay what they are.
   */
  lendChunks?(): void;
}
