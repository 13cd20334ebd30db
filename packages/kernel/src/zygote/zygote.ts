import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { OrlopError } from "@orlop/core";
import { type Architecture, hostArchitecture } from "../abi/architecture.ts";
import { machineFile } from "../machine/machine-file.ts";
import { BOOT_ADDRESS, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { encodeProgram, type Program, TOKEN_BYTES } from "../program/program.ts";
import { verifyProgram } from "../program/verify.ts";
import { decodeReport, REPORT, type Report } from "./report.ts";
import { sealProgram, zygoteProgram } from "./zygote-program.ts";

/** Index of the `ended` report of a program whose process was killed before it could clean up. */
export const PROGRAM_LOST = 1;

/** What a program may find as its descriptors 0, 1 and 2, which `inherit` then means. */
type ZygoteStdio = "inherit" | "ignore";

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
  readonly #listeners = new Map<number, (report: Report) => void>();
  /** Process of each running program, to its request. */
  readonly #processes = new Map<number, number>();
  #nextRequest = 1;
  #pending: Buffer = Buffer.alloc(0);
  #gone: OrlopError | undefined;

  private constructor(architecture: Architecture, child: ChildProcess, socket: Duplex, token: Buffer) {
    this.architecture = architecture;
    this.#child = child;
    this.#socket = socket;
    this.#token = token;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    // A write after the zygote's end surfaces as its exit, which says more.
    socket.on("error", () => {});
    child.on("exit", (status, signal) => this.#end(status, signal));
    child.on("error", (cause) =>
      this.#fail(new OrlopError("failed", `Cannot start zygote: ${cause.message}`, { cause })),
    );
  }

  static start(options: { readonly stdio?: ZygoteStdio } = {}): Zygote {
    const architecture = hostArchitecture();
    const stdio = options.stdio ?? "ignore";
    const machine = machineFile(architecture);
    const child = spawn(machine.path, [], { stdio: [stdio, stdio, stdio, "pipe"], env: {}, cwd: "/" });
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
    return this.#gone === undefined;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a program; throws at once when it is refused by the verifier or the zygote is gone. */
  submit(program: Program, onReport: (report: Report) => void): void {
    if (this.#gone !== undefined) throw this.#gone;
    verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
    const request = this.#nextRequest++;
    const frame = encodeProgram(program, { loadAddress: REQUEST_ADDRESS, token: this.#token, request });
    this.#listeners.set(request, onReport);
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
    if (report.kind === "begun") {
      this.#processes.set(report.value, report.request);
      return;
    }
    if (report.kind === "lost") {
      const request = this.#processes.get(report.value) ?? 0;
      this.#processes.delete(report.value);
      if (this.#listeners.has(request)) this.#dispatch({ ...report, kind: "ended", request, index: PROGRAM_LOST });
      return;
    }
    const listener = this.#listeners.get(report.request);
    if (report.kind === "ended" || report.kind === "unstarted") this.#listeners.delete(report.request);
    listener?.(report);
  }

  #end(status: number | null, signal: string | null): void {
    this.#fail(new OrlopError("failed", `Cannot use zygote: it ended with ${signal ?? `status ${status}`}`));
  }

  #fail(error: OrlopError): void {
    this.#gone ??= error;
  }
}
