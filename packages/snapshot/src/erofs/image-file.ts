import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { OrlopError } from "@orlop/core";

/** A file that belongs to an image, read at places that the image tells. */
export class ImageFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #bytes: number;

  /** @throws the error of open(2) */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, constants.O_RDONLY);
    this.#bytes = fstatSync(this.#fd).size;
  }

  /** Exactly so many bytes. Throws `invalid` where there are none, as the places are the image's. */
  read(at: number, length: number): Buffer {
    if (length < 0 || at + length > this.#bytes) throw this.invalid("ends early");
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = readSync(this.#fd, bytes, done, length - done, at + done);
      if (got === 0) throw this.invalid("ends early");
      done += got;
    }
    return bytes;
  }

  invalid(what: string): OrlopError {
    return new OrlopError("invalid", `Cannot read EROFS image "${this.path}": it ${what}`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
