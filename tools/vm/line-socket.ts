import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** A unix socket that hands on, line by line, what arrives on the one connection that is made to it. */
export class LineSocket implements AsyncDisposable {
  readonly path: string;
  readonly #server = createServer();
  #connection: Socket | undefined;
  #finished: Promise<unknown> = Promise.resolve();

  private constructor(path: string, onLine: (line: string) => void) {
    this.path = path;
    this.#server.on("connection", (connection) => {
      this.#server.close();
      this.#connection = connection;
      // A peer that was killed resets the connection; what it had sent counts all the same.
      connection.on("error", () => {});
      const lines = createInterface({ input: connection });
      lines.on("line", onLine);
      this.#finished = once(lines, "close");
    });
  }

  static async listen(path: string, onLine: (line: string) => void): Promise<LineSocket> {
    const socket = new LineSocket(path, onLine);
    socket.#server.listen(path);
    await once(socket.#server, "listening");
    return socket;
  }

  /** Resolves when the other side has gone and its last line has been handed on; at once when nobody came. */
  async finished(): Promise<void> {
    await this.#finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection?.destroy();
    this.#server.close();
  }
}
