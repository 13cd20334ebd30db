import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { hostArchitecture } from "../abi/architecture.ts";
import { TIMESPEC } from "../abi/structs.ts";
import { machineFile } from "../machine/machine-file.ts";
import { BOOT_ADDRESS, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { encodeProgram, type Program } from "../program/program.ts";
import { decodeReport, REPORT, type Report } from "./report.ts";
import { sealProgram, zygoteProgram } from "./zygote-program.ts";

/** Longer than a zygote takes for anything, on a busy machine too. */
const PATIENCE_MS = 10_000;

/** How a zygote ended. */
interface RawEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it and its programs said. */
  readonly kinds: readonly string[];
}

export const TOKEN: Buffer = Buffer.from("0123456789abcdef");

/** A program of one step for this processor. */
export function programOf(write: (p: ProgramBuilder) => void): Program {
  const p = new ProgramBuilder(hostArchitecture());
  p.step({ action: "test the zygote" });
  write(p);
  return p.build();
}

/** Until its process is ended, or a test that forgot it has long been over. */
export function standStill(p: ProgramBuilder): void {
  p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, p.struct(TIMESPEC, { tv_sec: 60 }), 0]);
}

/** As a frame for the request area. */
export function frameOf(
  program: Program,
  options: { readonly token?: Uint8Array; readonly request?: number } = {},
): Buffer {
  return encodeProgram(program, { loadAddress: REQUEST_ADDRESS, token: TOKEN, request: 7, ...options });
}

/** A zygote without the class around it: what is written to its socket is up to the test. */
export class RawZygote implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly socket: Duplex;
  readonly reports: Report[] = [];
  readonly #end: Promise<RawEnd>;
  #pending: Buffer = Buffer.alloc(0);

  constructor(options: { readonly seal?: (program: Program) => Program } = {}) {
    const architecture = hostArchitecture();
    const { path, bytes } = machineFile(architecture);
    this.child = spawn(path, [], { stdio: ["ignore", "ignore", "ignore", "pipe"], env: {}, cwd: "/" });
    this.socket = this.child.stdio[3] as Duplex;
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#take(chunk));
    const exited = once(this.child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    // Not by once(), which an error ends: what the zygote left unread is one.
    const closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.#end = exited.then(async ([status, signal]) => {
      // What it said last is read before the socket closes, unless a program of its holds the socket.
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500))]);
      return { status, signal, kinds: this.reports.map(({ kind }) => kind) };
    });
    const seal = options.seal ?? ((program: Program): Program => program);
    for (const program of [seal(sealProgram(architecture, bytes)), zygoteProgram(architecture, TOKEN)]) {
      this.socket.write(encodeProgram(program, { loadAddress: BOOT_ADDRESS }));
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  #take(chunk: Buffer): void {
    let data = Buffer.concat([this.#pending, chunk]);
    for (; data.length >= REPORT.size; data = data.subarray(REPORT.size)) {
      const report = decodeReport(data.subarray(0, REPORT.size));
      assert(report !== undefined, "only reports come from a zygote");
      this.reports.push(report);
    }
    this.#pending = data;
  }

  /** Sends a program that says so, and waits until it has: everything before it has been taken. */
  async answers(): Promise<void> {
    const before = this.reports.length;
    this.socket.write(
      frameOf(
        programOf((p) => p.call("exit_group", [0])),
        { request: 99 },
      ),
    );
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.reports.slice(before).some(({ kind, request }) => kind === "begun" && request === 99)) {
      assert.ok(performance.now() < deadline && this.child.exitCode === null, "the zygote does not answer");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Waits for its end. */
  async end(): Promise<RawEnd> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error("the zygote does not end")), PATIENCE_MS).unref();
    });
    return Promise.race([this.#end, late]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    this.child.kill("SIGKILL");
    await this.#end;
  }
}
