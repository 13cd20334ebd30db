import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { NetlinkExchange } from "../exchange.ts";
import type { NetlinkRequest } from "../request.ts";
import { NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK, SOL_NETLINK } from "../socket.ts";

/** For tests: Python holds the namespace and the sockets that Node cannot open. One request and one answer a line. */
const HELPER = `
import json, os, socket, subprocess, sys
sockets = {}
def netlink(protocol):
    if protocol not in sockets:
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        for option in OPTIONS: s.setsockopt(${SOL_NETLINK}, option, 1)
        s.bind((0, 0))
        sockets[protocol] = s
    return sockets[protocol]
def exchange(protocol, data):
    s = netlink(protocol)
    s.sendto(bytes.fromhex(data), (0, 0))
    answers = []
    # The kernel answers before sendto returns, and goes on with a dump when it is read.
    while True:
        try: answers.append(s.recv(65536, socket.MSG_DONTWAIT).hex())
        except BlockingIOError: return answers
def run(arguments, text):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True)
    if done.returncode != 0: raise Exception(" ".join(arguments) + ": " + done.stderr + done.stdout)
    return done.stdout
kept = []
def udp(address, port, peer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    if peer: s.connect(tuple(peer))
    kept.append(s)
    return len(kept) - 1
def send(index, text): return kept[index].send(text.encode())
def receive(index, seconds):
    kept[index].settimeout(seconds)
    try: data, peer = kept[index].recvfrom(2048)
    except TimeoutError: return None
    return [data.decode(), peer[0], peer[1]]
def answer(index, text, peer): return kept[index].sendto(text.encode(), tuple(peer))
actions = dict(exchange=exchange, run=run, udp=udp, send=send, receive=receive, answer=answer,
               pid=os.getpid, open=lambda path: os.open(path, os.O_RDONLY))
print(json.dumps(["ready"]), flush=True)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try: print(json.dumps([actions[name](*arguments)]), flush=True)
    except Exception as error: print(json.dumps([None, repr(error)]), flush=True)
`;

/** Why there can be no live namespace here, or undefined when there can. */
export function whyNoLiveNamespace(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  for (const program of ["python3", "unshare", ...programs]) {
    if (spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0) return `needs ${program}`;
  }
  const probe = spawnSync("unshare", ["--net", "true"]);
  return probe.status === 0
    ? undefined
    : `needs the right to make network namespaces: ${probe.stderr.toString().trim()}`;
}

/** A fresh network namespace that lives as long as this object. */
export class LiveNamespace implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #sequence = 1;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async open(): Promise<LiveNamespace> {
    const options = `OPTIONS = [${NETLINK_CAP_ACK}, ${NETLINK_EXT_ACK}, ${NETLINK_GET_STRICT_CHK}]`;
    const child = spawn("unshare", ["--net", "python3", "-c", options + HELPER], { stdio: ["pipe", "pipe", "pipe"] });
    child.stderr.pipe(process.stderr);
    const namespace = new LiveNamespace(child);
    await namespace.#lines.next();
    await namespace.run("ip", "link", "set", "lo", "up");
    return namespace;
  }

  /** Sends requests of ours and gives the completed exchange. Throws what the exchange throws. */
  async exchange(protocol: number, requests: readonly NetlinkRequest<unknown>[]): Promise<NetlinkExchange> {
    const exchange = new NetlinkExchange(requests, { sequence: this.#sequence });
    this.#sequence += requests.length;
    const answers = await this.#call("exchange", protocol, Buffer.from(exchange.bytes).toString("hex"));
    for (const hex of answers as string[]) exchange.accept(Uint8Array.from(Buffer.from(hex, "hex")));
    if (!exchange.complete) throw new Error("the kernel owes answers");
    return exchange;
  }

  /** The values of one reading request. */
  async values<T>(protocol: number, request: NetlinkRequest<T>): Promise<readonly T[]> {
    return (await this.exchange(protocol, [request])).values(request);
  }

  /** The standard output of a program inside. */
  async run(...command: readonly string[]): Promise<string> {
    return (await this.#call("run", command, null)) as string;
  }

  /** Like `run`, with text on standard input. */
  async runWith(text: string, ...command: readonly string[]): Promise<string> {
    return (await this.#call("run", command, text)) as string;
  }

  /** The pid of a process that is in the namespace. */
  async pid(): Promise<number> {
    return (await this.#call("pid")) as number;
  }

  /** Opens a file in the process that sends: the number of its descriptor. */
  async descriptor(path: string): Promise<number> {
    return (await this.#call("open", path)) as number;
  }

  /** A UDP socket inside, bound, and connected when there is a peer. */
  async udp(address: string, port: number, peer?: readonly [string, number]): Promise<LiveSocket> {
    const index = (await this.#call("udp", address, port, peer ?? null)) as number;
    return {
      send: async (text) => void (await this.#call("send", index, text)),
      receive: async (seconds = 5) => (await this.#call("receive", index, seconds)) as [string, string, number] | null,
      answer: async (text, to) => void (await this.#call("answer", index, text, to)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin.end();
    await ended;
  }

  async #call(...request: readonly unknown[]): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("the helper ended");
    const [result, error] = JSON.parse(line.value) as [unknown, string?];
    if (error !== undefined) throw new Error(error);
    return result;
  }
}

/** A UDP socket in a namespace. `receive` gives null when no packet comes for some time, five seconds by default. */
interface LiveSocket {
  readonly send: (text: string) => Promise<void>;
  readonly receive: (seconds?: number) => Promise<[text: string, address: string, port: number] | null>;
  readonly answer: (text: string, to: readonly [string, number]) => Promise<void>;
}
