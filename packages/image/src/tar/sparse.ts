import { malformedTar } from "./tar-header.ts";

/** A stretch of a sparse file that the archive holds; what is between them is zeros. */
interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** How a file with holes is stored: GNU tar's manual, "Storing Sparse Files". */
export interface SparseMap {
  readonly regions: readonly SparseRegion[];
  /** Bytes of the file, holes included. */
  readonly size: number;
}

/** More of them are no file of an image. */
const REGIONS_MAX = 1 << 20;

/** Checks numbers that were read as `offset, length, offset, length, ...`; `storedBytes` is what the archive holds. */
export function sparseMap(numbers: readonly number[], size: number, storedBytes: number): SparseMap {
  if (numbers.length % 2 !== 0) throw malformedTar("the map of a sparse file ends within a pair");
  expectRegions(numbers.length / 2);
  const regions: SparseRegion[] = [];
  let end = 0;
  let stored = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const [offset = 0, length = 0] = numbers.slice(index, index + 2);
    if (offset < end || offset + length > size) throw malformedTar("the map of a sparse file is out of order");
    end = offset + length;
    stored += length;
    // An empty one at the end tells the size, which we know.
    if (length > 0) regions.push({ offset, length });
  }
  if (stored !== storedBytes) {
    throw malformedTar(`the map of a sparse file tells of ${stored} bytes, and the archive has ${storedBytes}`);
  }
  return { regions, size };
}

export function expectRegions(count: number): void {
  if (count > REGIONS_MAX) throw malformedTar(`the map of a sparse file has more than ${REGIONS_MAX} regions`);
}

const ZEROS: Buffer = Buffer.alloc(1 << 16);

/** The whole file: what is stored, and the zeros in between. */
export async function* withHoles({ regions, size }: SparseMap, stored: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = stored[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;
  for (const { offset, length } of regions) {
    yield* zeros(offset - at);
    for (let left = length; left > 0; ) {
      if (rest.length === 0) rest = (await chunks.next()).value as Buffer;
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
    at = offset + length;
  }
  yield* zeros(size - at);
}

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= ZEROS.length) yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
}
