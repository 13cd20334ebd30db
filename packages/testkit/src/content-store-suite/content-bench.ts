import { createHash } from "node:crypto";
import type { ContentStore, Descriptor, Digest, Ingest, Labels } from "@orlop/core";

/** A store of a directory that other stores may be open on. */
export interface ContentStoreSubject extends AsyncDisposable {
  readonly content: ContentStore;
}

export type MakeContentStore = (directory: string) => Promise<ContentStoreSubject>;

/** What a case of the suite works with: stores on one directory, one of them open. */
export class ContentBench implements AsyncDisposable {
  readonly content: ContentStore;
  readonly #make: MakeContentStore;
  readonly #directory: string;
  readonly #subjects: ContentStoreSubject[];

  private constructor(make: MakeContentStore, directory: string, first: ContentStoreSubject) {
    this.#make = make;
    this.#directory = directory;
    this.#subjects = [first];
    this.content = first.content;
  }

  static async open(make: MakeContentStore, directory: string): Promise<ContentBench> {
    return new ContentBench(make, directory, await make(directory));
  }

  /** One more store on the same directory, as another process has it. */
  async another(): Promise<ContentStore> {
    const subject = await this.#make(this.#directory);
    this.#subjects.push(subject);
    return subject.content;
  }

  async begin(blob: Blob, content: ContentStore = this.content): Promise<Ingest> {
    const ingest = await content.ingest(blob);
    if (ingest === undefined) throw new Error(`${blob.digest} is there already`);
    return ingest;
  }

  async store(blob: Blob, labels?: Labels): Promise<void> {
    await using ingest = await this.begin(blob);
    await ingest.write(blob.bytes, 0);
    await ingest.commit(labels);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of this.#subjects) await subject[Symbol.asyncDispose]();
  }
}

export interface Blob extends Pick<Descriptor, "digest" | "size"> {
  readonly bytes: Buffer;
}

/** Content that no other seed has, the same at each call. */
export function makeBlob(seed: string, size = 1000, algorithm = "sha256"): Blob {
  const bytes = Buffer.alloc(size);
  let state = createHash("sha256").update(seed).digest().readUInt32LE(0) | 1;
  for (let index = 0; index < size; index++) {
    // xorshift32: no block is like another one.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return { bytes, size, digest: digestOf(bytes, algorithm) };
}

export function digestOf(bytes: Buffer, algorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}
