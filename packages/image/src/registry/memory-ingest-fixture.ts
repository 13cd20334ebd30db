import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ByteRange, ContentInfo, Descriptor, Ingest } from "@orlop/core";

/** An ingest in memory, for what is brought into it. */
export class MemoryIngest implements Ingest {
  readonly digest: Descriptor["digest"];
  readonly sizeBytes: number;
  readonly content: Buffer;
  /** Bytes that were written more than once. */
  repeatedBytes = 0;
  /** Called before each write. */
  onWrite: (offset: number, length: number) => Promise<void> = async () => {};
  readonly #has: Uint8Array;

  constructor(
    { digest, size }: Pick<Descriptor, "digest" | "size">,
    present: readonly ByteRange[] = [],
    from?: Buffer,
  ) {
    this.digest = digest;
    this.sizeBytes = size;
    this.content = Buffer.alloc(size);
    this.#has = new Uint8Array(size);
    for (const { offset, length } of present) {
      this.#has.fill(1, offset, offset + length);
      from?.copy(this.content, offset, offset, offset + length);
    }
  }

  missing(): readonly ByteRange[] {
    const ranges: ByteRange[] = [];
    for (let start = this.#has.indexOf(0); start >= 0; ) {
      const next = this.#has.indexOf(1, start);
      const end = next < 0 ? this.sizeBytes : next;
      ranges.push({ offset: start, length: end - start });
      start = this.#has.indexOf(0, end);
    }
    return ranges;
  }

  async write(chunk: Buffer, offset: number): Promise<void> {
    assert.ok(offset >= 0 && offset + chunk.length <= this.sizeBytes);
    await this.onWrite(offset, chunk.length);
    this.repeatedBytes += this.#has.subarray(offset, offset + chunk.length).filter((has) => has === 1).length;
    this.#has.fill(1, offset, offset + chunk.length);
    chunk.copy(this.content, offset);
  }

  async *follow(): AsyncGenerator<Buffer> {
    yield this.content;
  }

  async commit(): Promise<ContentInfo> {
    assert.deepEqual(this.missing(), []);
    assert.equal(`sha256:${createHash("sha256").update(this.content).digest("hex")}`, this.digest);
    return { digest: this.digest, sizeBytes: this.sizeBytes, createdAtMs: 0, labels: {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
