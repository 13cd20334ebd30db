import { readTar } from "../tar/read-tar.ts";
import { refusedFile } from "./debian-error.ts";
import { type Compression, type DecompressOptions, decompress } from "./decompress.ts";
import { type ArMember, readAr } from "./read-ar.ts";
import { SplitChunks } from "./split-chunks.ts";
import { xzSize } from "./xz-size.ts";

/** What exists has less than a tenth of it: templates in many languages. */
const CONTROL_MAX_BYTES = 64 * 1024 * 1024;
const CONTROL_FILES_MAX = 1000;

/** A binary package (deb(5)). */
export interface Deb {
  /** For errors. */
  readonly name: string;
  /** The files of its control archive, by their names: `control`, `conffiles`, `postinst`. */
  readonly control: ReadonlyMap<string, ControlFile>;
  /** The archive with its files. A process may wait until it is read to its end, or read in part and ended. */
  readonly data: AsyncGenerator<Buffer>;
}

interface ControlFile {
  readonly content: Buffer;
  readonly isExecutable: boolean;
}

const COMPRESSIONS: Readonly<Record<string, Compression>> = { "": "none", ".gz": "gz", ".xz": "xz", ".zst": "zst" };

/**
 * Takes a package apart. `sizeMax` is for all of its files together.
 *
 * @throws OrlopError `invalid`, `exhausted`
 */
export async function readDeb(bytes: Buffer, options: DecompressOptions): Promise<Deb> {
  const { name } = options;
  const [version, ...rest] = readAr(bytes, name);
  if (version?.name !== "debian-binary" || !/^2\.\d+\n/.test(version.content.toString("latin1", 0, 16))) {
    throw refusedFile(name, "it is no package of format 2");
  }
  // Others may stand between, if their names begin so.
  const [control, data] = rest.filter((member) => !member.name.startsWith("_"));
  const archives = openArchives(control, data, options);
  try {
    return { name, control: await readControl(archives.first(), name), data: archives.rest() };
  } catch (error) {
    await archives.close();
    throw error;
  }
}

interface Archives {
  first(): AsyncGenerator<Buffer>;
  rest(): AsyncGenerator<Buffer>;
  close(): Promise<void>;
}

function openArchives(control: ArMember | undefined, data: ArMember | undefined, options: DecompressOptions): Archives {
  const parts = [compressed(control, "control.tar", options), compressed(data, "data.tar", options)] as const;
  const [first, rest] = parts;
  const size = parts.every(({ compression }) => compression === "xz") ? xzSize(first.content) : undefined;
  // A process for each would take more than most control archives do.
  if (size !== undefined && size <= CONTROL_MAX_BYTES) {
    const contents = parts.map(({ content }) => content);
    return new SplitChunks(decompress(contents, "xz", options), size);
  }
  return {
    first: () => decompress(first.content, first.compression, { ...options, sizeMax: CONTROL_MAX_BYTES }),
    rest: () => decompress(rest.content, rest.compression, options),
    close: async () => {},
  };
}

interface Compressed {
  readonly content: Buffer;
  readonly compression: Compression;
}

function compressed(member: ArMember | undefined, begin: string, { name }: DecompressOptions): Compressed {
  const ending = member?.name.startsWith(begin) ? member.name.slice(begin.length) : undefined;
  const compression = ending !== undefined && Object.hasOwn(COMPRESSIONS, ending) ? COMPRESSIONS[ending] : undefined;
  if (member === undefined || compression === undefined) {
    throw refusedFile(name, `it has ${member?.name ?? "nothing"} in the place of ${begin}`);
  }
  return { content: member.content, compression };
}

async function readControl(chunks: AsyncGenerator<Buffer>, name: string): Promise<ReadonlyMap<string, ControlFile>> {
  const files = new Map<string, ControlFile>();
  for await (const { kind, path, mode, content } of readTar(chunks)) {
    if (kind === "directory") continue;
    const [, file] = /^(?:\.\/)?([a-z0-9][a-z0-9._-]*)$/.exec(path) ?? [];
    if (kind !== "file" || file === undefined) throw refusedFile(name, `its control archive has ${path}`);
    if (files.size >= CONTROL_FILES_MAX) throw refusedFile(name, `it has more than ${CONTROL_FILES_MAX} control files`);
    const parts: Buffer[] = [];
    for await (const part of content()) parts.push(Buffer.from(part));
    files.set(file, { content: Buffer.concat(parts), isExecutable: (mode & 0o111) !== 0 });
  }
  if (!files.has("control")) throw refusedFile(name, "it has no control file");
  return files;
}
