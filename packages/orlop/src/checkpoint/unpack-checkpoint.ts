import { createHash } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Digest, type LayerEntry, OrlopError } from "@orlop/core";
import { detected, LAYER_LIMITS, type LayerLimits, LayerMeter, readTar } from "@orlop/image";
import {
  type CheckpointDocument,
  checkpointFile,
  DOCUMENT,
  DOCUMENT_MAX_BYTES,
  decodeDocument,
  ROOTFS_DIFF,
} from "./checkpoint-archive.ts";

/** An archive of a checkpoint whose files lie in a directory. */
export interface UnpackedCheckpoint {
  readonly document: CheckpointDocument;
  readonly directory: string;
  /** Of what was written to the root file system; absent: that was left out. */
  readonly rootfsDiff?: Digest;
}

/** criu writes some dozens of files, and as many for each process. */
const FILES_MAX = 100_000;

/**
 * Unpacks an archive of a checkpoint. It is taken for hostile: only plain files of the names that there are come out of it,
 * each once, within the limits of layers.
 *
 * @param directory empty
 * @throws OrlopError `invalid`, `exhausted`
 */
export async function unpackCheckpoint(
  file: string,
  directory: string,
  limits: LayerLimits = LAYER_LIMITS,
): Promise<UnpackedCheckpoint> {
  const meter = new LayerMeter(file, { ...limits, entriesMax: Math.min(limits.entriesMax, FILES_MAX) });
  for (const name of ["checkpoint", "volumes"]) mkdirSync(join(directory, name), { mode: 0o700 });
  const digests = new Map<string, Digest>();
  let text: string | undefined;
  const archive = counted(detected(file, counted(stored(file), "stored")), "archive");
  for await (const entry of readTar(archive, { name: file })) {
    meter.countEntry(entry);
    const { kind, path, size } = entry;
    if (kind === "directory" && /^(\.\/)?(checkpoint|volumes)?\/?$/.test(path)) continue;
    const name = checkpointFile(path);
    if (name === undefined || kind !== "file") throw refused(file, entry, "no archive of a checkpoint has it");
    if (digests.has(name)) throw refused(file, entry, "it is there twice");
    if (name === DOCUMENT && size > DOCUMENT_MAX_BYTES) throw refused(file, entry, `it has ${size} bytes`);
    const content: Buffer[] | undefined = name === DOCUMENT ? [] : undefined;
    digests.set(name, await writeContent(entry, join(directory, name), (chunk) => content?.push(chunk)));
    if (content !== undefined) text = Buffer.concat(content).toString();
  }
  if (text === undefined) {
    const what = `it has no ${DOCUMENT}: only what orlop container checkpoint --export has written can be restored here`;
    throw new OrlopError("invalid", `Cannot restore from "${file}": ${what}`);
  }
  const rootfsDiff = digests.get(ROOTFS_DIFF);
  const document = decodeDocument(file, text);
  return { document, directory, ...(rootfsDiff === undefined ? {} : { rootfsDiff }) };

  async function* counted(chunks: AsyncIterable<Buffer>, what: "stored" | "archive"): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      if (what === "stored") meter.countStored(chunk.length);
      else meter.countArchive(chunk.length);
      yield chunk;
    }
  }
}

/** In the words of archives of images, instead of Node's. */
const PROBLEMS: Readonly<Record<string, string>> = { ENOENT: "no such file or directory", EISDIR: "it is a directory" };

async function* stored(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>;
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    const kind = code === "ENOENT" ? "not-found" : "failed";
    throw new OrlopError(kind, `Cannot restore from "${file}": ${PROBLEMS[code] ?? message}`, { cause });
  }
}

/** @throws Error for a file that is there */
async function writeContent(entry: LayerEntry, path: string, see: (chunk: Buffer) => void): Promise<Digest> {
  const hash = createHash("sha256");
  const descriptor = openSync(path, "wx", 0o600);
  try {
    for await (const chunk of entry.content()) {
      hash.update(chunk);
      see(chunk);
      writeSync(descriptor, chunk);
    }
  } finally {
    closeSync(descriptor);
  }
  return `sha256:${hash.digest("hex")}` as Digest;
}

function refused(file: string, { path, kind }: LayerEntry, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot restore from "${file}": ${kind} "${path.slice(0, 200)}": ${what}`);
}
