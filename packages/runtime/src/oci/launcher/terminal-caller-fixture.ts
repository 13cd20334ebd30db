import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { until } from "../../process/process-bench-fixture.ts";

/**
 * Calls a command under a terminal of its own. A line `type TEXT`, `size ROWS COLUMNS`, `signal NUMBER` or `raw?` tells it
 * what to do; it prints, one JSON value a line, the command's pid, what the terminal shows as a string, whether it is raw,
 * and in the end the status of the command with the state that the terminal was left in.
 */
const SCRIPT = `
import fcntl, json, os, pty, select, struct, sys, termios
master, slave = pty.openpty()
def size(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
def raw():
    flags = termios.tcgetattr(slave)
    return not flags[3] & (termios.ICANON | termios.ECHO | termios.ISIG) and not flags[0] & termios.ICRNL
size(24, 80)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.closerange(3, 100)
    os.execv(sys.argv[1], sys.argv[1:])
def say(value):
    print(json.dumps(value), flush=True)
say({"pid": child})
ended = os.pidfd_open(child)
poll = [0, master, ended]
while True:
    ready, _, _ = select.select(poll, [], [])
    if master in ready:
        say(os.read(master, 4096).decode())
        continue
    if 0 in ready:
        for line in os.read(0, 4096).decode().splitlines():
            word, _, rest = line.partition(" ")
            if word == "type": os.write(master, json.loads(rest).encode())
            if word == "size": size(*map(int, rest.split()))
            if word == "signal": os.kill(child, int(rest))
            if word == "raw?": say({"raw": raw()})
        continue
    _, status = os.waitpid(child, 0)
    say({"status": os.waitstatus_to_exitcode(status), "raw": raw()})
    break
`;

interface TerminalEnd {
  readonly status: number;
  /** The terminal is still raw. */
  readonly raw: boolean;
}

/** A command under a terminal of the test's. */
export class TerminalCaller implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #said: (string | Readonly<Record<string, unknown>>)[] = [];

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn("python3", ["-c", SCRIPT, ...command], { stdio: ["pipe", "pipe", "inherit"], env: { ...env } });
    if (this.#child.stdout === null) throw new Error("no pipe");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#said.push(JSON.parse(line)));
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  type(text: string): void {
    this.tell(`type ${JSON.stringify(text)}`);
  }

  /** What the terminal has shown. */
  shown(): string {
    return this.#said.filter((value) => typeof value === "string").join("");
  }

  async shows(text: string): Promise<void> {
    await until(`"${text}" on the terminal`, () => (this.shown().includes(text) ? true : undefined));
  }

  async ended(): Promise<TerminalEnd> {
    return (await until("the end of the command", () =>
      this.#facts().find((fact) => "status" in fact),
    )) as unknown as TerminalEnd;
  }

  async pid(): Promise<number> {
    return Number((await until("the command", () => this.#facts().find((fact) => "pid" in fact))).pid);
  }

  /** Waits until the terminal is raw. */
  async isRaw(): Promise<void> {
    await until("a raw terminal", () => {
      this.tell("raw?");
      return this.#facts().some((fact) => fact.raw === true) ? true : undefined;
    });
  }

  #facts(): readonly Readonly<Record<string, unknown>>[] {
    return this.#said.filter((value) => typeof value !== "string");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
