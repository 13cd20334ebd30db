const TAR_BLOCK_BYTES = 512;

/** An entry of an archive that a test makes, which no real tool would. */
export interface FixtureEntry {
  readonly path: string;
  /** Type flag; "0" when absent. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly target?: string;
  readonly content?: string | Buffer;
  /** Seconds; 0 when absent. */
  readonly mtime?: number;
  readonly device?: readonly [major: number, minor: number];
  /** Records of an extended header in front. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

/** A ustar archive with these entries. */
export function makeTar(entries: readonly FixtureEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(2 * TAR_BLOCK_BYTES)]);
}

function entryBlocks(entry: FixtureEntry): readonly Buffer[] {
  const content = Buffer.from((entry.content ?? "") as string);
  const extension = entry.pax === undefined ? [] : blocks({ path: "pax", type: "x" }, paxRecords(entry.pax));
  return [...extension, ...blocks(entry, content)];
}

function blocks(entry: FixtureEntry, content: Buffer): readonly Buffer[] {
  const padding = (TAR_BLOCK_BYTES - (content.length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
  return [header(entry, content.length), content, Buffer.alloc(padding)];
}

function paxRecords(records: Readonly<Record<string, string | Buffer>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
    // The length counts its own digits.
    let length = rest.length;
    while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
    return Buffer.concat([Buffer.from(`${length}`), rest]);
  });
  return Buffer.concat(lines);
}

function header(entry: FixtureEntry, size: number): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), offset, "latin1");
  };
  block.write(entry.path, 0, 100);
  octal(entry.mode ?? (entry.type === "5" ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(size, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  block.write(entry.type ?? "0", 156, "latin1");
  block.write(entry.target ?? "", 157, 100);
  block.write("ustar\u000000", 257, "latin1");
  const [major, minor] = entry.device ?? [0, 0];
  octal(major, 329, 8);
  octal(minor, 337, 8);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
