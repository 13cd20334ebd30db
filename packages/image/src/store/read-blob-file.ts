import { readFileSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ByteRange, type ContentInfo, digestAlgorithm, digestEncoded, OrlopError } from "@orlop/core";
import { contentHash, hashFor } from "../layout/verify-content.ts";
import { damagedBlob } from "./content-problems.ts";

const CHUNK_BYTES = 512 * 1024;

interface BlobFile {
  readonly path: string;
  readonly info: ContentInfo;
  /** It has been found that the file is not what it was. */
  readonly onDamage: () => void;
}

/** A blob's content, verified where it is read whole. @throws OrlopError `invalid` */
export async function* readBlobFile(blob: BlobFile, range: ByteRange | undefined): AsyncGenerator<Buffer> {
  const { path, info } = blob;
  const { offset, length } = range ?? { offset: 0, length: info.sizeBytes };
  if (!(offset >= 0 && length >= 0 && offset + length <= info.sizeBytes)) {
    const what = `${length} bytes from ${offset} on were asked for, and it has ${info.sizeBytes}`;
    throw new OrlopError("invalid", `Cannot read blob "${info.digest}": ${what}`, { operation: "read blob" });
  }
  const isWhole = length === info.sizeBytes;
  if (isWhole && length <= CHUNK_BYTES) {
    // A manifest or a config: through the threads of asynchronous calls it would take several times as long.
    const content = readFileSync(path);
    const found = content.length === length ? contentHash(info.digest, content) : "";
    if (found !== digestEncoded(info.digest)) throw damaged(blob, found);
    if (length > 0) yield content;
    return;
  }
  await using file = await open(path);
  if (!isWhole) yield* chunks(file, offset, length);
  else yield* verified(blob, file);
}

async function* verified(blob: BlobFile, file: FileHandle): AsyncGenerator<Buffer> {
  const { path, info } = blob;
  const hash = hashFor(info.digest);
  let length = 0;
  for await (const chunk of chunks(file, 0, info.sizeBytes)) {
    hash.update(chunk);
    length += chunk.length;
    yield chunk;
  }
  const found = hash.digest("hex");
  if (length === info.sizeBytes && found === digestEncoded(info.digest)) return;
  // Somebody may have repaired it while this was reading the old file.
  const isSame = (await file.stat()).ino === statSync(path, { throwIfNoEntry: false })?.ino;
  throw isSame ? damaged(blob, found) : damagedBlob("invalid", info.digest, "it was replaced while it was read");
}

async function* chunks(file: FileHandle, offset: number, length: number): AsyncGenerator<Buffer> {
  for (let position = offset; position < offset + length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, offset + length - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function damaged({ info, onDamage }: BlobFile, found: string): OrlopError {
  onDamage();
  const { digest } = info;
  return damagedBlob("invalid", digest, `the disk has changed its content, to ${digestAlgorithm(digest)}:${found}`);
}
