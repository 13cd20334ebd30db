import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { PortProtocol } from "@orlop/core";
import { patience } from "../patience.ts";

/** An answer that is wanted comes in this time, or the test fails. */
const ANSWER_MAX_MS = patience(10_000);
/** So long is waited for what must not come. */
const SILENCE_MS = 250;

/** What the program of a peer is told. */
export interface PeerRequest {
  readonly action: "listen" | "ask" | "open" | "say";
  readonly protocol: PortProtocol;
  readonly address: string;
  readonly port: number;
  readonly timeoutMs?: number;
}

/** A program in a network namespace that listens and asks there. */
export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error("a peer has an output");
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(namespacePath: string, label: string): Promise<Peer> {
    const program = new URL("./peer-program.ts", import.meta.url).pathname;
    const args = [`--net=${namespacePath}`, process.execPath, "-C", "source", program, label];
    const peer = new Peer(spawn("nsenter", args, { stdio: ["pipe", "pipe", "inherit"] }));
    await peer.#lines.next();
    return peer;
  }

  /** Answers from now on with its label and with where the question came from. */
  async listen(protocol: "tcp" | "udp", address: string, port: number): Promise<void> {
    await this.#tell({ action: "listen", protocol, address, port });
  }

  /** The answer, `label address`. */
  async ask(protocol: "tcp" | "udp", address: string, port: number): Promise<string> {
    return await this.#tell({ action: "ask", protocol, address, port, timeoutMs: ANSWER_MAX_MS });
  }

  /** Whether nobody answers. */
  async hearsNothing(protocol: "tcp" | "udp", address: string, port: number): Promise<boolean> {
    return (await this.#tell({ action: "ask", protocol, address, port, timeoutMs: SILENCE_MS })) === "";
  }

  /** Opens a connection that stays. */
  async open(address: string, port: number): Promise<void> {
    await this.#tell({ action: "open", protocol: "tcp", address, port, timeoutMs: ANSWER_MAX_MS });
  }

  /** The answer by the connection to that port. */
  async say(port: number): Promise<string> {
    return await this.#tell({ action: "say", protocol: "tcp", address: "", port, timeoutMs: ANSWER_MAX_MS });
  }

  /** Whether nothing comes back by the connection to that port. */
  async isCutOff(port: number): Promise<boolean> {
    return (await this.#tell({ action: "say", protocol: "tcp", address: "", port, timeoutMs: SILENCE_MS })) === "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #tell(request: PeerRequest): Promise<string> {
    const next = this.#last.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
      const line = await this.#lines.next();
      if (line.done === true) throw new Error("a peer has ended");
      const { answer, error } = JSON.parse(line.value) as { answer?: string; error?: string };
      if (answer === undefined) throw new Error(`a peer cannot ${request.action}: ${error}`);
      return answer;
    });
    this.#last = next.catch(() => {});
    return next;
  }
}
