import { type Digest, digestAlgorithm, digestEncoded, OrlopError } from "@orlop/core";
import { hashFor } from "../layout/verify-content.ts";

const READ_BYTES = 1024 * 1024;

/** Reads into a buffer from an offset of the content on; the result is how many bytes, 0 at the end. */
type ReadAt = (buffer: Buffer, offset: number) => Promise<number>;

/**
 * The digest of content that comes in parts, computed while it comes: of what is next at once, of what came too early by
 * reading it back (from the kernel's memory) as soon as what was missing before it is there.
 */
export class ContentHash {
  readonly #digest: Digest;
  #hash: ReturnType<typeof hashFor>;
  /** How far it has come. */
  #position = 0;
  #trusted = true;
  #catchingUp: Promise<void> | undefined;

  constructor(digest: Digest) {
    this.#digest = digest;
    this.#hash = hashFor(digest);
  }

  /** A part that is being written for the first time. */
  offer(chunk: Buffer, offset: number): void {
    if (!this.#trusted || offset !== this.#position) return;
    this.#hash.update(chunk);
    this.#position += chunk.length;
  }

  /** A part that was offered has not been written: from now on only reading all of it counts. */
  distrust(): void {
    this.#trusted = false;
  }

  /** Begins to read back what is there up to an offset, unless that is being done. */
  follow(read: ReadAt, end: () => number): void {
    if (!this.#trusted || this.#catchingUp !== undefined || this.#position >= end()) return;
    this.#catchingUp = this.#readUpTo(read, end)
      .catch(() => this.distrust())
      .finally(() => {
        this.#catchingUp = undefined;
      });
  }

  /** Waits until nothing is being read back. */
  async settle(): Promise<void> {
    await this.#catchingUp;
  }

  /**
   * Checks that all of the content, so many bytes of it, has the digest. Nothing can be offered afterwards.
   *
   * @throws OrlopError `invalid` with the digest that it has
   */
  async verify(read: ReadAt, sizeBytes: number): Promise<void> {
    await this.settle();
    if (!this.#trusted) {
      this.#hash = hashFor(this.#digest);
      this.#position = 0;
    }
    await this.#readUpTo(read, () => sizeBytes);
    const found = this.#hash.digest("hex");
    if (found === digestEncoded(this.#digest)) return;
    const what = `its content hashes to ${digestAlgorithm(this.#digest)}:${found}`;
    throw new OrlopError("invalid", `Cannot store blob "${this.#digest}": ${what}`, { operation: "store blob" });
  }

  async #readUpTo(read: ReadAt, end: () => number): Promise<void> {
    if (this.#position >= end()) return;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (this.#position < end()) {
      const length = await read(buffer.subarray(0, Math.min(READ_BYTES, end() - this.#position)), this.#position);
      if (length === 0) throw new OrlopError("failed", `Cannot read blob "${this.#digest}" back: it ends too early`);
      this.#hash.update(buffer.subarray(0, length));
      this.#position += length;
    }
  }
}
