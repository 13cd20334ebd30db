import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";

/**
 * The file of `--cidfile`. It is made before the container, so that a file that is there already is refused, gets the
 * id when the container runs, and is removed again when that did not come about.
 */
export class ContainerIdFile implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  #written = false;

  /** @throws OrlopError `exists`, `failed` */
  constructor(path: string) {
    const { umask } = caller();
    this.#path = caller().path(path);
    try {
      this.#fd = openSync(this.#path, "wx", 0o644 & ~umask);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
        throw new OrlopError(
          "exists",
          `container ID file found, make sure the other container isn't running or delete ${path}`,
          { field: "cidfile", cause },
        );
      }
      throw systemFailure(`create container id file "${path}"`, cause, "cidfile");
    }
  }

  write(id: string): void {
    writeSync(this.#fd, id);
    this.#written = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (!this.#written) rmSync(this.#path, { force: true });
  }
}
