import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, futimesSync, openSync, writeSync } from "node:fs";
import type { Attributes } from "../layer/lower-layer.ts";

/** Of so many bytes all are written or, where they are zeros, none: most file systems keep nothing for these. */
const PART_BYTES = 65_536;
/** Fewer zeros are not worth a hole. */
const HOLE_MIN_BYTES = 4096;
const ZEROS: Buffer = Buffer.alloc(PART_BYTES);

/** A new file with all that a layer says of it, written from its start to its end. */
export class StagedFile implements Disposable {
  readonly #fd: number;
  #size = 0;
  #endsInHole = false;

  constructor(path: string) {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    this.#fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += PART_BYTES) {
      const part = chunk.length <= PART_BYTES ? chunk : chunk.subarray(at, at + PART_BYTES);
      this.#endsInHole = isHole(part);
      if (!this.#endsInHole) {
        for (let done = 0; done < part.length; ) {
          done += writeSync(this.#fd, part, done, part.length - done, this.#size + done);
        }
      }
      this.#size += part.length;
    }
  }

  /** Owners are those of this process without `keepOwners`; times have no nanoseconds. */
  finish({ mode, uid, gid, mtime }: Attributes, keepOwners: boolean): void {
    if (this.#endsInHole) ftruncateSync(this.#fd, this.#size);
    // The owner first: a change of it clears the set-id bits.
    if (keepOwners) fchownSync(this.#fd, uid, gid);
    fchmodSync(this.#fd, mode);
    futimesSync(this.#fd, mtime, mtime);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function isHole(part: Buffer): boolean {
  return part.length >= HOLE_MIN_BYTES && part[0] === 0 && part.equals(ZEROS.subarray(0, part.length));
}
