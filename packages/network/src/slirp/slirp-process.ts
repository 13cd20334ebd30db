import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { OrlopError, type PublishedPort } from "@orlop/core";
import { findProgram } from "@orlop/kernel";
import { SideProcesses } from "../configured/side-processes.ts";

/** It is ready in a twentieth of a second, or tells why not. */
const START_MAX_MS = 20_000;
const ANSWER_MAX_MS = 20_000;
const LOOK_MS = 2;

/** The shell writes down who it is, and becomes the program: whatever happens in between, it is found again. */
const START = 'echo $$ > "$0" && exec "$@"';
const READY_FD = 3;

/** A port as slirp4netns(1) has it, section "API socket". */
interface HostForward {
  readonly id: number;
  readonly proto: string;
  readonly host_addr: string;
  readonly host_port: number;
  readonly guest_addr: string;
}

/** Processes of slirp4netns(1), each with a socket by which its ports change. */
export class SlirpProcesses extends SideProcesses {
  /** Starts one, which goes on when this process ends. Gives its complaint where it does not want to. */
  async start(key: string, args: readonly string[]): Promise<string | undefined> {
    const program = findProgram("slirp4netns");
    if (program === undefined) {
      const wayOut = "Try to install pasta, of the package passt, or slirp4netns, of the package of that name.";
      throw new OrlopError("unsupported", `Cannot start slirp4netns: there is no such program\n${wayOut}`);
    }
    const log = this.file(key, "log");
    const complaints = openSync(log, "w", 0o600);
    const words = [program, `--api-socket=${this.file(key, "sock")}`, `--ready-fd=${READY_FD}`, ...args];
    const child = spawn("sh", ["-c", START, this.file(key, "pid"), ...words], {
      detached: true,
      stdio: ["ignore", "ignore", complaints, "pipe"],
      cwd: "/",
    });
    closeSync(complaints);
    const ready = child.stdio[READY_FD] as Readable;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, START_MAX_MS, false);
    child.on("error", () => resolve(false));
    ready.on("data", () => resolve(true));
    ready.on("close", () => resolve(false));
    const isReady = await promise;
    clearTimeout(timer);
    ready.destroy();
    child.unref();
    if (!isReady) child.kill("SIGKILL");
    const complaint = isReady ? undefined : (readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "");
    rmSync(log);
    return complaint;
  }

  /** Those that are there already are no error. */
  async publish(key: string, address: string, ports: readonly Required<PublishedPort>[]): Promise<void> {
    if (ports.length === 0) return;
    const known = await this.#forwards(key);
    for (const port of ports.flatMap(each)) {
      if (known.some((forward) => isSame(forward, port))) continue;
      await this.#ask(key, "add_hostfwd", {
        proto: port.protocol,
        host_addr: port.hostAddress,
        host_port: port.hostPort,
        guest_addr: address,
        guest_port: port.containerPort,
      });
    }
  }

  /** Those that are not there are no error. */
  async unpublish(key: string, ports: readonly Required<PublishedPort>[]): Promise<void> {
    const gone = ports.flatMap(each);
    const known = await this.#forwards(key);
    for (const { id } of known.filter((forward) => gone.some((port) => isSame(forward, port)))) {
      await this.#ask(key, "remove_hostfwd", { id });
    }
  }

  /** Takes back all others, of one address that they lead to where it is said. */
  async keepOnly(key: string, ports: readonly Required<PublishedPort>[], address?: string): Promise<void> {
    const kept = ports.flatMap(each);
    for (const forward of await this.#forwards(key)) {
      if (address !== undefined && forward.guest_addr !== address) continue;
      if (!kept.some((port) => isSame(forward, port))) await this.#ask(key, "remove_hostfwd", { id: forward.id });
    }
  }

  async #forwards(key: string): Promise<readonly HostForward[]> {
    const { entries = [] } = (await this.#ask(key, "list_hostfwd", {})) as { entries?: readonly HostForward[] };
    return entries;
  }

  async #ask(key: string, execute: string, args: object): Promise<unknown> {
    let answer: { readonly return?: unknown; readonly error?: { readonly desc?: string } };
    try {
      answer = JSON.parse(await this.#exchange(key, JSON.stringify({ execute, arguments: args }))) as typeof answer;
    } catch (cause) {
      throw new OrlopError("failed", `Cannot ask slirp4netns to "${execute}": it does not answer`, { cause });
    }
    // A list is the answer itself.
    if (answer.error === undefined) return answer.return ?? answer;
    // Somebody has bound the port since it was looked at.
    const code = execute === "add_hostfwd" ? "conflict" : "failed";
    throw new OrlopError(code, `Cannot change ports of slirp4netns: it says "${answer.error.desc ?? ""}"`);
  }

  async #exchange(key: string, question: string): Promise<string> {
    for (const start = performance.now(); ; await delay(LOOK_MS)) {
      const socket = connect(this.file(key, "sock"));
      const timer = setTimeout(() => socket.destroy(new Error("no answer")), ANSWER_MAX_MS);
      try {
        socket.end(question);
        return await text(socket);
      } catch (error) {
        // It listens to one after the other, and the next few wait: more of them do not fit.
        const isBusy = (error as NodeJS.ErrnoException).code === "EAGAIN";
        if (!isBusy || performance.now() - start > ANSWER_MAX_MS) throw error;
      } finally {
        clearTimeout(timer);
        socket.destroy();
      }
    }
  }
}

/** One by one. */
function each(port: Required<PublishedPort>): readonly Required<PublishedPort>[] {
  return Array.from({ length: port.count }, (_, index) => ({
    ...port,
    hostPort: port.hostPort + index,
    containerPort: port.containerPort + index,
    count: 1,
  }));
}

function isSame({ proto, host_addr, host_port }: HostForward, port: Required<PublishedPort>): boolean {
  return proto === port.protocol && host_addr === port.hostAddress && host_port === port.hostPort;
}
