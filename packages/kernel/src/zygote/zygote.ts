import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { OrlopError } from "@orlop/core";
import { type Architecture, hostArchitecture } from "../abi/architecture.ts";
import { machineFile } from "../machine/machine-file.ts";
import { BOOT_ADDRESS, CONTROL_FD } from "../machine/memory-layout.ts";
import { encodeProgram, type Program, TOKEN_BYTES } from "../program/program.ts";
import { verifyProgram } from "../program/verify.ts";
import { randomBytes } from "../random-bytes.ts";
import type { Report } from "./report.ts";
import { ZygoteChannel } from "./zygote-channel.ts";
import { sealProgram, zygoteProgram } from "./zygote-program.ts";

/** What a program may find as its descriptors 0, 1 and 2, which `inherit` then means. */
/** This process's own, /dev/null, or another descriptor of this process. */
type ZygoteStdio = "inherit" | "ignore" | number;

interface ZygoteStart {
  /** Descriptors 0, 1 and 2, one word for all of them or one each; absent: /dev/null. */
  readonly stdio?: "inherit" | "ignore" | readonly [ZygoteStdio, ZygoteStdio, ZygoteStdio];
  /** Further descriptors of this process, which programs find under {@link FIRST_DESCRIPTOR} and the numbers after it. */
  readonly descriptors?: readonly number[];
  /** How many streams to this process programs find behind those; see {@link Zygote.stream}. */
  readonly streams?: number;
  /**
   * Takes sockets that programs send over one more descriptor, behind all others, as messages of those between a process of
   * Node and its child (child_process, `subprocess.on("message")`); absent: there is no such descriptor.
   */
  readonly onSocket?: (message: unknown, socket: unknown) => void;
}

/** The number under which a zygote's programs find the first descriptor that it was given beside stdio. */
export const FIRST_DESCRIPTOR: number = CONTROL_FD + 1;

/** How a zygote's process ended. */
export interface ZygoteEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A running zygote that this process started; see {@link ZygoteChannel} for what it does.
 *
 * Closing (or the end of this process) closes the socket: the zygote leaves, and so does every program that was not told
 * to stay.
 */
export class Zygote {
  readonly architecture: Architecture;
  /** Resolves when its process has ended, rejects when it could not be started. */
  readonly ended: Promise<ZygoteEnd>;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #channel: ZygoteChannel;
  readonly #firstStream: number;

  private constructor(
    architecture: Architecture,
    child: ChildProcess,
    socket: Duplex,
    token: Buffer,
    firstStream: number,
  ) {
    this.architecture = architecture;
    this.#child = child;
    this.#socket = socket;
    this.#channel = new ZygoteChannel(socket, token);
    this.#firstStream = firstStream;
    const ended = Promise.withResolvers<ZygoteEnd>();
    // Most starters never ask.
    ended.promise.catch(() => {});
    this.ended = ended.promise;
    child.on("exit", (status, signal) => {
      const how = signal ?? `status ${status}`;
      this.#channel.fail(new OrlopError("failed", `Cannot use zygote: it ended with ${how}`));
      ended.resolve({ status, signal });
    });
    child.on("error", (cause) => {
      const error = new OrlopError("failed", `Cannot start zygote: ${cause.message}`, { cause });
      this.#channel.fail(error);
      ended.reject(error);
    });
  }

  static start({ stdio = "ignore", descriptors = [], streams = 0, onSocket }: ZygoteStart = {}): Zygote {
    const architecture = hostArchitecture();
    const machine = machineFile(architecture);
    const own = typeof stdio === "string" ? [stdio, stdio, stdio] : stdio;
    const pipes = Array<"pipe">(streams).fill("pipe");
    const channel = onSocket === undefined ? [] : ["ipc" as const];
    const all = [...own, "pipe" as const, ...descriptors, ...pipes, ...channel];
    const child = spawn(machine.path, [], { stdio: all, env: {}, cwd: "/" });
    if (onSocket !== undefined) child.on("message", onSocket);
    const socket = child.stdio[3] as Duplex | null | undefined;
    assert(socket !== null && socket !== undefined);
    const token = randomBytes(TOKEN_BYTES);
    const zygote = zygoteProgram(architecture, token, { descriptors: descriptors.length + streams + channel.length });
    for (const program of [sealProgram(architecture, machine.bytes), zygote]) {
      verifyProgram(program);
      socket.write(encodeProgram(program, { loadAddress: BOOT_ADDRESS }));
    }
    return new Zygote(architecture, child, socket, token, FIRST_DESCRIPTOR + descriptors.length);
  }

  /** Whether programs can still be submitted. */
  get alive(): boolean {
    return this.#channel.alive;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The near end of a stream; programs have the other one as the descriptor behind those that they were given. */
  stream(index: number): Duplex {
    const stream = this.#child.stdio[this.#firstStream + index] as Duplex | null | undefined;
    assert(stream !== null && stream !== undefined);
    return stream;
  }

  /** See {@link ZygoteChannel.submit}. */
  submit(program: Program, onReport: (report: Report) => void): void {
    this.#channel.submit(program, onReport);
  }

  /** See {@link ZygoteChannel.become}; `ended` then tells how that program ended. */
  become(program: Program, onReport: (report: Report) => void): void {
    this.#channel.become(program, onReport);
  }

  /** See {@link ZygoteChannel.release}. */
  release(status: number): void {
    this.#channel.release(status);
  }

  /** Lets this process end while the zygote runs. */
  unref(): void {
    this.#child.unref();
    (this.#socket as Duplex & { unref?: () => void }).unref?.();
  }

  /** Takes `unref` back. */
  ref(): void {
    this.#child.ref();
    (this.#socket as Duplex & { ref?: () => void }).ref?.();
  }

  /** Closes the socket: see the class comment for who leaves. */
  close(): void {
    this.#channel.close();
    if (this.#child.connected) this.#child.disconnect();
  }
}
