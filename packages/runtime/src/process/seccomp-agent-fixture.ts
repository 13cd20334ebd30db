import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ContainerProcessState } from "@orlop/core";
import { until } from "./process-bench-fixture.ts";

/**
 * A seccomp agent. Node cannot receive a descriptor, so Python does: it prints what comes with each, and gives every
 * notification the errno of its arguments, 0 for "go on with the call".
 */
const PYTHON = `
import array, ctypes, fcntl, json, os, socket, struct, sys, threading
path, errno = sys.argv[1], int(sys.argv[2])
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(64)
def say(kind, value):
    os.write(1, (json.dumps([kind, value]) + "\\n").encode())
def serve(connection):
    text, ancillary, _, _ = connection.recvmsg(1 << 16, socket.CMSG_SPACE(16))
    if not text: return
    fds = array.array("i")
    for level, kind, data in ancillary: fds.frombytes(data)
    say("state", [json.loads(text), len(fds)])
    while True:
        notification = bytearray(80)
        try: fcntl.ioctl(fds[0], 0xc0502100, notification)
        except OSError: return
        identity, pid, _, number = struct.unpack_from("<QIIi", notification)
        say("call", [pid, number])
        answer = struct.pack("<QqiI", identity, 0, -errno, 0 if errno else 1)
        try: fcntl.ioctl(fds[0], 0xc0182101, answer)
        except OSError: pass
say("ready", None)
while True: threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
`;

/** Why there can be no agent here, or undefined when there can. */
export function agentObstacle(): string | undefined {
  return spawnSync("python3", ["--version"]).status === 0 ? undefined : "needs python3, which receives descriptors";
}

export class SeccompAgent implements AsyncDisposable {
  /** What came with each descriptor, and how many descriptors that were. */
  readonly states: [ContainerProcessState, number][] = [];
  /** Process and number of each call that was notified of. */
  readonly calls: [pid: number, call: number][] = [];
  readonly #child: ChildProcess;
  #ready = false;

  private constructor(path: string, errno: number) {
    this.#child = spawn("python3", ["-c", PYTHON, path, String(errno)], { stdio: ["ignore", "pipe", "inherit"] });
    assert(this.#child.stdout !== null);
    createInterface(this.#child.stdout).on("line", (line) => {
      const [kind, value] = JSON.parse(line) as ["ready" | "state" | "call", never];
      if (kind === "ready") this.#ready = true;
      else if (kind === "state") this.states.push(value);
      else this.calls.push(value);
    });
  }

  /** An agent that listens at `path`, and answers every call with `errno`; 0 lets it through. */
  static async listen(path: string, errno: number): Promise<SeccompAgent> {
    const agent = new SeccompAgent(path, errno);
    await until("the agent", () => agent.#ready || undefined);
    return agent;
  }

  /** Waits until exactly so many have come. */
  async hasStates(count: number): Promise<void> {
    await until(`state ${count} to reach the agent`, () => (this.states.length >= count ? true : undefined));
    assert.equal(this.states.length, count);
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "close");
    if (this.#child.kill("SIGKILL")) await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
