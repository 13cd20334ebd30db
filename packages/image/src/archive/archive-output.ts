import { randomBytes } from "node:crypto";
import { lstatSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import { systemFailure } from "@orlop/kernel";

/** Where an archive is written to. */
export interface ArchiveOutput extends AsyncDisposable {
  /** As the user knows it. */
  readonly name: string;
  write(chunk: Buffer): Promise<void>;
  /** Everything has been written. Without it a file does not appear. */
  finish(): Promise<void>;
}

/**
 * A file, which is the old one or none until it is finished, or a stream, which stays open. A path that leads to something
 * else than a file (a pipe, `/dev/stdout`) is written to as it is.
 *
 * @throws OrlopError
 */
export async function openArchiveOutput(to: string | Writable, name?: string): Promise<ArchiveOutput> {
  if (typeof to !== "string") return new StreamOutput(to, name ?? "standard output");
  const what = `write image archive "${to}"`;
  try {
    const found = lstatSync(to, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) return new FileOutput(to, to, await open(to, "w"));
    const temporary = `${to}.${randomBytes(6).toString("hex")}~`;
    return new FileOutput(to, temporary, await open(temporary, "wx", 0o666));
  } catch (cause) {
    throw systemFailure(what, cause);
  }
}

class FileOutput implements ArchiveOutput {
  readonly name: string;
  /** Where it is until it is finished. */
  readonly #temporary: string;
  readonly #file: FileHandle;
  #isFinished = false;

  constructor(path: string, temporary: string, file: FileHandle) {
    this.name = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  async write(chunk: Buffer): Promise<void> {
    await this.#attempt(() => this.#file.appendFile(chunk));
  }

  async finish(): Promise<void> {
    if (this.#temporary !== this.name) {
      await this.#attempt(async () => {
        await this.#file.sync();
        await rename(this.#temporary, this.name);
        await using directory = await open(dirname(this.name), "r");
        await directory.sync();
      });
    }
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#isFinished && this.#temporary !== this.name) await rm(this.#temporary, { force: true });
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw systemFailure(`write image archive "${this.name}"`, cause);
    }
  }
}

class StreamOutput implements ArchiveOutput {
  readonly name: string;
  readonly #stream: Writable;

  constructor(stream: Writable, name: string) {
    this.name = name;
    this.#stream = stream;
  }

  async write(chunk: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    try {
      await promise;
    } catch (cause) {
      throw systemFailure(`write image archive to ${this.name}`, cause);
    }
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
