import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { until } from "./process-bench-fixture.ts";

/** Takes a terminal from a console socket, prints what it took as JSON, then what it reads, and types what it is told. */
const SCRIPT = `
import json, os, select, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1])
s.listen(1)
print("listening", flush=True)
c, _ = s.accept()
message, fds, flags, _ = socket.recv_fds(c, 4096, 4)
end = c.recv(1)
size = os.get_terminal_size(fds[0])
print(json.dumps({"message": message.decode(), "count": len(fds), "more": len(end), "tty": os.isatty(fds[0]),
                  "columns": size.columns, "rows": size.lines}), flush=True)
while True:
    ready, _, _ = select.select([fds[0], 0], [], [])
    if 0 in ready:
        line = os.read(0, 4096)
        if not line:
            break
        os.write(fds[0], line)
    if fds[0] in ready:
        try:
            data = os.read(fds[0], 4096)
        except OSError:
            break
        print(json.dumps(data.decode()), flush=True)
`;

/** What a console socket received. */
interface ReceivedConsole {
  readonly message: string;
  readonly count: number;
  readonly more: number;
  readonly tty: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** Why there is no receiver, or undefined when there is: node cannot receive descriptors. */
export function receiverObstacle(): string | undefined {
  try {
    execFileSync("python3", ["-c", "import socket; socket.recv_fds"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "needs python3 3.9 (Debian: apt-get install python3)";
  }
}

/** A listening console socket, with a process behind it that is another one than the runtime. */
export class ConsoleReceiver implements AsyncDisposable {
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(socket: string) {
    this.socket = socket;
    this.#child = spawn("python3", ["-c", SCRIPT, socket], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("no pipe");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#lines.push(line));
  }

  async listening(): Promise<void> {
    await until("the console socket", () => (this.#lines.length > 0 ? true : undefined));
  }

  async received(): Promise<ReceivedConsole> {
    return JSON.parse(await until("the console", () => this.#lines[1])) as ReceivedConsole;
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** What the terminal has said so far. */
  said(): string {
    return this.#lines
      .slice(2)
      .map((line) => JSON.parse(line) as string)
      .join("");
  }

  /** Lets go of the terminal. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, "exit");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
