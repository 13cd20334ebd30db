import { OrlopError } from "@orlop/core";
import type { SnapshotRoot } from "@orlop/engine";
import type { Image, OpenImageOptions } from "../../image/image.ts";
import { openSnapshot } from "../../image/open-snapshot.ts";
import type { SandboxOptions } from "../sandbox-options.ts";

interface SnapshotParts {
  readonly root: SnapshotRoot;
  /** What the sandbox was made with. */
  readonly options: SandboxOptions;
  /** Gives back everything. */
  readonly stack: AsyncDisposableStack;
}

/**
 * The files of a sandbox as they were when it was taken: what had been written is kept once, beside the layers of the image,
 * however many sandboxes begin with it. Made by `Sandbox.snapshot`, used by `Sandbox.fork`.
 *
 * It ends with its disposal and with the process that has taken it. Sandboxes that were made of it live on; what they need of
 * it stays until the last of them has gone.
 */
export class SandboxSnapshot implements AsyncDisposable {
  /** With the sandbox's secrets, which nobody is to see who prints this. */
  readonly #options: SandboxOptions;
  readonly #root: SnapshotRoot;
  readonly #stack: AsyncDisposableStack;
  /** Sandboxes and snapshots of those, and one for whoever has not disposed of it. */
  #users = 1;
  #isDisposed = false;

  /** @internal */
  constructor({ root, options, stack }: SnapshotParts) {
    this.#root = root;
    this.#options = options;
    this.#stack = stack;
  }

  /** What the sandbox that it was taken of was made with. @internal */
  get options(): SandboxOptions {
    return this.#options;
  }

  /** For one sandbox. @throws OrlopError `conflict` when it has been disposed of @internal */
  async open(options: OpenImageOptions): Promise<Image> {
    if (this.#isDisposed) {
      throw new OrlopError("conflict", "Cannot fork sandbox: its snapshot has been disposed of");
    }
    await using undo = new AsyncDisposableStack();
    undo.use(this.hold());
    const image = undo.use(await openSnapshot(this.#root, options));
    const stack = undo.move();
    return { ...image, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  /** Keeps it until the result is disposed of. @internal */
  hold(): AsyncDisposable {
    this.#users++;
    return { [Symbol.asyncDispose]: () => this.#letGo() };
  }

  /** Again: nothing happens. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    if (--this.#users === 0) await this.#stack.disposeAsync();
  }
}
