import type { HttpBody } from "./http-exchange.ts";

/** What has come and is not asked for; more stays in the kernel, and then with the server. */
const UNREAD_MAX_BYTES = 2 * 1024 * 1024;

/** What the connection of a body does for it. */
interface BodyConnection {
  /** There is room again. */
  resume(): void;
  /** Nobody wants the rest. */
  abandon(error: Error): void;
  /** Nobody looks any more at what it has given. */
  giveBack(chunk: Buffer): void;
}

/** A body whose content is queued until it is read. Slices of one buffer that follow each other become one. */
export class QueuedBody implements HttpBody {
  readonly #connection: BodyConnection;
  readonly #unread: Buffer[] = [];
  #unreadBytes = 0;
  #isFull = false;
  #isComplete = false;
  #failure: Error | undefined;
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(error: unknown): void } | undefined;

  constructor(connection: BodyConnection) {
    this.#connection = connection;
  }

  /** Nothing more should be given until the connection is told to resume. */
  get isFull(): boolean {
    return this.#isFull;
  }

  read(): Promise<Buffer | undefined> {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.length;
      if (this.#isFull && this.#unreadBytes < UNREAD_MAX_BYTES / 2) {
        this.#isFull = false;
        this.#connection.resume();
      }
      return Promise.resolve(chunk);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isComplete) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  giveBack(chunk: Buffer): void {
    this.#connection.giveBack(chunk);
  }

  destroy(error: Error = new Error("not wanted any more")): void {
    if (this.#isComplete || this.#failure !== undefined) return;
    this.#unread.length = 0;
    this.fail(error);
    this.#connection.abandon(error);
  }

  give(content: Buffer): void {
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve(content);
      return;
    }
    this.#unreadBytes += content.length;
    this.#isFull = this.#unreadBytes >= UNREAD_MAX_BYTES;
    const last = this.#unread.at(-1);
    const follows = last?.buffer === content.buffer && last.byteOffset + last.length === content.byteOffset;
    if (last === undefined || !follows) this.#unread.push(content);
    else this.#unread[this.#unread.length - 1] = joined(last, content.length);
  }

  complete(): void {
    this.#isComplete = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }

  fail(error: Error): void {
    if (this.#isComplete) return;
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}

function joined({ buffer, byteOffset, length }: Buffer, more: number): Buffer {
  return Buffer.from(buffer, byteOffset, length + more);
}
