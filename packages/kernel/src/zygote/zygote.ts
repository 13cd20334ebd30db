import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { OrlopError } from "@orlop/core";
import { type Architecture, hostArchitecture } from "../abi/architecture.ts";
import { RUSAGE_BYTES } from "../abi/structs.ts";
import { machineFile } from "../machine/machine-file.ts";
import { BOOT_ADDRESS, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { encodeProgram, type Program, TOKEN_BYTES } from "../program/program.ts";
import { verifyProgram } from "../program/verify.ts";
import { decodeReport, REPORT, type Report } from "./report.ts";
import { sealProgram, zygoteProgram } from "./zygote-program.ts";

/** Index of the `ended` report of a program whose process was killed before it could clean up. */
export const PROGRAM_LOST = 1;

/** What a program may find as its descriptors 0, 1 and 2, which `inherit` then means. */
/** This process's own, /dev/null, or another descriptor of this process. */
type ZygoteStdio = "inherit" | "ignore" | number;

/** A program that was sent and has not ended. */
interface Running {
  readonly onReport: (report: Report) => void;
  pid: number | undefined;
  /** It has been heard of: whatever becomes of the zygote, its process is there. */
  begun: boolean;
}

/**
 * A running zygote, seen from Node.
 *
 * `submit` sends a program and calls back with each of its reports, in order, `ended` last. Any number of programs may
 * run at once. Closing (or the end of this process) closes the socket: the zygote leaves, and so does every program that
 * was not told to stay.
 */
export class Zygote {
  readonly architecture: Architecture;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #token: Buffer;
  readonly #running = new Map<number, Running>();
  /** Process of each running program, to its request. */
  readonly #processes = new Map<number, number>();
  #nextRequest = 1;
  #pending: Buffer = Buffer.alloc(0);
  #gone: OrlopError | undefined;
  /** The socket went before the reason was known, or by our own wish. */
  #closed = false;

  private constructor(architecture: Architecture, child: ChildProcess, socket: Duplex, token: Buffer) {
    this.architecture = architecture;
    this.#child = child;
    this.#socket = socket;
    this.#token = token;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    // A write after the zygote's end surfaces as its exit, which says more.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#abandon(() => true);
    });
    child.on("exit", (status, signal) => this.#end(status, signal));
    child.on("error", (cause) =>
      this.#fail(new OrlopError("failed", `Cannot start zygote: ${cause.message}`, { cause })),
    );
  }

  /** @param options.stdio descriptors 0, 1 and 2, one word for all of them or one each; absent: /dev/null */
  static start(
    options: { readonly stdio?: "inherit" | "ignore" | readonly [ZygoteStdio, ZygoteStdio, ZygoteStdio] } = {},
  ): Zygote {
    const architecture = hostArchitecture();
    const stdio = options.stdio ?? "ignore";
    const machine = machineFile(architecture);
    const own = typeof stdio === "string" ? [stdio, stdio, stdio] : stdio;
    const child = spawn(machine.path, [], { stdio: [...own, "pipe"], env: {}, cwd: "/" });
    const socket = child.stdio[3] as Duplex | null | undefined;
    assert(socket !== null && socket !== undefined);
    const token = randomBytes(TOKEN_BYTES);
    for (const program of [sealProgram(architecture, machine.bytes), zygoteProgram(architecture, token)]) {
      verifyProgram(program);
      socket.write(encodeProgram(program, { loadAddress: BOOT_ADDRESS }));
    }
    return new Zygote(architecture, child, socket, token);
  }

  /** Whether programs can still be submitted. */
  get alive(): boolean {
    return this.#gone === undefined && !this.#closed;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a program; throws at once when it is refused by the verifier or the zygote is gone. */
  submit(program: Program, onReport: (report: Report) => void): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (this.#closed) throw new OrlopError("failed", "Cannot use zygote: its socket is closed");
    verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
    const request = this.#nextRequest++;
    const frame = encodeProgram(program, { loadAddress: REQUEST_ADDRESS, token: this.#token, request });
    this.#running.set(request, { onReport, pid: undefined, begun: false });
    this.#socket.write(frame);
  }

  /** Lets this process end while the zygote runs. */
  unref(): void {
    this.#child.unref();
    (this.#socket as Duplex & { unref?: () => void }).unref?.();
  }

  /** Closes the socket: see the class comment for who leaves. */
  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (data.length >= REPORT.size) {
      const report = decodeReport(data.subarray(0, REPORT.size));
      data = data.subarray(REPORT.size);
      assert(report !== undefined, "the zygote's socket carries reports only");
      this.#dispatch(report);
    }
    this.#pending = data;
  }

  #dispatch(report: Report): void {
    if (report.kind === "lost") {
      this.#lose(this.#processes.get(report.value));
      return;
    }
    const running = this.#running.get(report.request);
    if (running === undefined) return;
    running.begun = true;
    if (report.kind === "begun") {
      running.pid = report.value;
      this.#processes.set(report.value, report.request);
      return;
    }
    if (report.kind === "ended" || report.kind === "unstarted") this.#forget(report.request);
    running.onReport(report);
  }

  #forget(request: number): void {
    const pid = this.#running.get(request)?.pid;
    if (pid !== undefined && this.#processes.get(pid) === request) this.#processes.delete(pid);
    this.#running.delete(request);
  }

  /** Tells a program's listener that nobody will tell it more. */
  #lose(request: number | undefined): void {
    const running = this.#running.get(request ?? 0);
    if (request === undefined || running === undefined) return;
    this.#forget(request);
    running.onReport({
      kind: "ended",
      request,
      index: PROGRAM_LOST,
      value: 0,
      atMs: Date.now(),
      rusage: new Uint8Array(RUSAGE_BYTES),
    });
  }

  #abandon(which: (running: Running) => boolean): void {
    for (const [request, running] of [...this.#running]) if (which(running)) this.#lose(request);
  }

  #end(status: number | null, signal: string | null): void {
    this.#fail(new OrlopError("failed", `Cannot use zygote: it ended with ${signal ?? `status ${status}`}`));
  }

  /**
   * Programs that have begun go on and report through the socket, which they share. Those that have not never will; but
   * what the zygote said of them last is read first.
   */
  #fail(error: OrlopError): void {
    this.#gone ??= error;
    setImmediate(() => setImmediate(() => this.#abandon(({ begun }) => !begun)));
  }
}
