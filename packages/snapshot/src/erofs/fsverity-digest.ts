import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { MerkleTree } from "./merkle-tree.ts";

/** Documentation/filesystems/fsverity.rst: block size, and where the members of struct fsverity_descriptor are. */
const BLOCK_BYTES = 4096;
const DESCRIPTOR_BYTES = 256;
const [VERSION, HASH_ALGORITHM, LOG_BLOCKSIZE, DATA_SIZE, ROOT_HASH] = [0, 1, 2, 8, 16];
const FS_VERITY_HASH_ALG_SHA256 = 1;
const READ_BLOCKS = 256;

/**
 * What fs-verity would say of a file (FS_IOC_MEASURE_VERITY), with SHA-256, blocks of 4096 bytes, no salt and no signature, as
 * `sha256:HEX`. Whatever file system it is on.
 *
 * @throws the error of open(2) or read(2), or the signal's reason
 */
export async function fsverityDigest(path: string, signal?: AbortSignal): Promise<string> {
  await using file = await open(path);
  const tree = new MerkleTree(BLOCK_BYTES);
  const buffer = Buffer.alloc(READ_BLOCKS * BLOCK_BYTES);
  let size = 0;
  for (let isWhole = true; isWhole; ) {
    signal?.throwIfAborted();
    const length = await fill(file, buffer, size);
    isWhole = length === buffer.length;
    buffer.fill(0, length);
    for (let at = 0; at < length; at += BLOCK_BYTES) tree.add(buffer.subarray(at, at + BLOCK_BYTES));
    size += length;
  }
  const descriptor = Buffer.alloc(DESCRIPTOR_BYTES);
  descriptor[VERSION] = 1;
  descriptor[HASH_ALGORITHM] = FS_VERITY_HASH_ALG_SHA256;
  descriptor[LOG_BLOCKSIZE] = Math.log2(BLOCK_BYTES);
  descriptor.writeBigUInt64LE(BigInt(size), DATA_SIZE);
  tree.finish().copy(descriptor, ROOT_HASH);
  return `sha256:${createHash("sha256").update(descriptor).digest("hex")}`;
}

interface Readable {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Less than all of the buffer at the end of the file alone. */
async function fill(file: Readable, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
