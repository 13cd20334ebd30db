import type { ByteReader } from "./byte-reader.ts";
import { expectRegions, type SparseMap, sparseMap } from "./sparse.ts";
import { malformedTar, readNumber, TAR_BLOCK_BYTES } from "./tar-header.ts";

/** In the header of GNU's own format, and in the blocks that follow it where these are not enough: tar(5). */
const OLD = { regionsAt: 386, regions: 4, extendedAt: 482, sizeAt: 483 } as const;
const OLD_EXTENSION = { regionsAt: 0, regions: 21, extendedAt: 504 } as const;
const NUMBER_BYTES = 12;

/** Behind the headers of a file with holes. */
interface SparseFile {
  readonly map: SparseMap;
  /** What the archive holds of it, from here on. */
  readonly storedBytes: number;
}

/** Of an entry of type "S": in its header, and in the blocks behind it. */
export async function readOldSparseMap(reader: ByteReader, header: Buffer, storedBytes: number): Promise<SparseFile> {
  const numbers = oldRegions(header, OLD);
  const size = readNumber(header.subarray(OLD.sizeAt, OLD.sizeAt + NUMBER_BYTES), "size");
  for (let block = header, at: number = OLD.extendedAt; block[at] !== 0; at = OLD_EXTENSION.extendedAt) {
    block = (await reader.take(TAR_BLOCK_BYTES)) ?? endOfMap();
    numbers.push(...oldRegions(block, OLD_EXTENSION));
    expectRegions(numbers.length / 2);
  }
  return { map: sparseMap(numbers, size, storedBytes), storedBytes };
}

function oldRegions(block: Buffer, { regionsAt, regions }: { regionsAt: number; regions: number }): number[] {
  const numbers: number[] = [];
  for (let index = 0; index < regions; index++) {
    const at = regionsAt + index * 2 * NUMBER_BYTES;
    // What is not used is empty.
    if (block[at] === 0) break;
    for (const each of [at, at + NUMBER_BYTES]) {
      numbers.push(readNumber(block.subarray(each, each + NUMBER_BYTES), "map of a sparse file"));
    }
  }
  return numbers;
}

/**
 * Of an entry with extended headers: in these (versions 0.0 and 0.1), or in front of its content (1.0). `size` is what the
 * entry has in the archive; undefined for one without holes.
 */
export async function readPaxSparseMap(
  reader: ByteReader,
  record: (keyword: string) => string | undefined,
  size: number,
): Promise<SparseFile | undefined> {
  const whole = record("GNU.sparse.realsize") ?? record("GNU.sparse.size");
  if (whole === undefined) return undefined;
  const inHeader = record("GNU.sparse.map");
  if (inHeader !== undefined) {
    const numbers = inHeader === "" ? [] : inHeader.split(",").map(decimal);
    return { map: sparseMap(numbers, decimal(whole), size), storedBytes: size };
  }
  const { numbers, length } = await readMapInFront(reader, size);
  return { map: sparseMap(numbers, decimal(whole), size - length), storedBytes: size - length };
}

/** A line for the number of regions and one for each of their numbers, up to the end of a block. */
async function readMapInFront(
  reader: ByteReader,
  sizeMax: number,
): Promise<{ readonly numbers: readonly number[]; readonly length: number }> {
  const numbers: number[] = [];
  let count: number | undefined;
  let line = "";
  let length = 0;
  while (count === undefined || numbers.length < 2 * count) {
    if (length + TAR_BLOCK_BYTES > sizeMax) throw malformedTar("the map of a sparse file ends early");
    const block = (await reader.take(TAR_BLOCK_BYTES)) ?? endOfMap();
    length += TAR_BLOCK_BYTES;
    const lines = (line + block.toString("latin1")).split("\n");
    line = lines.pop() ?? "";
    for (const each of lines) {
      if (count === undefined) {
        count = decimal(each);
        expectRegions(count);
      } else if (numbers.length < 2 * count) numbers.push(decimal(each));
    }
  }
  return { numbers, length };
}

function endOfMap(): never {
  throw malformedTar("it ends in the map of a sparse file");
}

function decimal(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw malformedTar("the map of a sparse file has what is no number");
  return number;
}
