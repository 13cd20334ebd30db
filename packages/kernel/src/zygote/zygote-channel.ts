import type { Duplex } from "node:stream";
import { OrlopError } from "@orlop/core";
import { RUSAGE_BYTES } from "../abi/structs.ts";
import { aliveFrame, begunFrame, type Program } from "../program/program.ts";
import { programFrame } from "./program-frame.ts";
import { decodeReport, REPORT, type Report } from "./report.ts";

/** Index of the `ended` report of a program whose process was killed before it could clean up. */
export const PROGRAM_LOST = 1;

/** A program that was sent and has not ended. */
interface Running {
  readonly onReport: (report: Report) => void;
  /** The zygote's own process executes it, and nobody says that it has begun. */
  readonly inPlace: boolean;
  pid: number | undefined;
  /** It has been heard of: whatever becomes of the zygote, its process is there. */
  begun: boolean;
  /** What it said last, before the zygote has said as which process it runs. */
  ended?: Report;
}

/**
 * The near end of a zygote's socket: programs go in, reports come out.
 *
 * `submit` sends a program and calls back with each of its reports, in order, `ended` last, and `begun` as soon as it is
 * known: before the last, if the zygote lives to say it. `become` sends one that the zygote executes itself, after which it
 * takes no more. Any number of programs may run at once. When the socket closes, each listener that has not heard `ended`
 * hears that its program is lost.
 */
export class ZygoteChannel {
  readonly #socket: Duplex;
  readonly #token: Uint8Array;
  readonly #onSignal: (signal: number) => void;
  readonly #running = new Map<number, Running>();
  /** Process of each running program, to its request. */
  readonly #processes = new Map<number, number>();
  #nextRequest = 1;
  #pending: Buffer = Buffer.alloc(0);
  #gone: OrlopError | undefined;
  /** The socket went before the reason was known, or by our own wish. */
  #closed = false;

  /** @param onSignal hears of signals that a launcher gets and tells of */
  constructor(socket: Duplex, token: Uint8Array, onSignal: (signal: number) => void = () => {}) {
    this.#onSignal = onSignal;
    this.#socket = socket;
    this.#token = token;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    // A write after the zygote's end surfaces as its exit, which says more.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#abandon(() => true);
    });
  }

  /** Whether programs can still be submitted. */
  get alive(): boolean {
    return this.#gone === undefined && !this.#closed;
  }

  /** Sends a program; throws at once when it is refused by the verifier or the zygote is gone. */
  submit(program: Program, onReport: (report: Report) => void): void {
    this.#send(program, onReport, false);
  }

  /** As `submit`, for the last program, which the zygote executes itself. */
  become(program: Program, onReport: (report: Report) => void): void {
    this.#send(program, onReport, true);
    this.#gone = new OrlopError("conflict", "Cannot use zygote: it has become a program itself");
  }

  #send(program: Program, onReport: (report: Report) => void, inPlace: boolean): void {
    this.#refuseGone();
    const request = this.#nextRequest++;
    const { frame, release } = programFrame(program, { token: this.#token, request, inPlace });
    this.#running.set(request, { onReport, inPlace, pid: undefined, begun: false });
    this.#socket.write(frame, release);
  }

  #refuseGone(): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (this.#closed) throw new OrlopError("failed", "Cannot use zygote: its socket is closed");
  }

  /**
   * Says to a launcher that its call cannot be done again from its start, which every program says as well. Throws at once
   * when it is gone.
   */
  tellBegun(): void {
    this.#refuseGone();
    this.#socket.write(begunFrame(this.#token));
  }

  /** Says that this side is there, to a launcher that does not wait for ever, unless it has that still to hear. */
  tellAlive(): void {
    if (this.alive && this.#socket.writableLength === 0) this.#socket.write(aliveFrame(this.#token));
  }

  /** Says one byte to the program that the zygote has become. */
  release(byte: number): void {
    if (!this.#closed) this.#socket.write(Uint8Array.of(byte));
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.destroy();
  }

  /**
   * The zygote is gone. Programs that have begun go on and report through the socket, which they share. Those that have
   * not never will; but what the zygote said of them last is read first.
   */
  fail(error: OrlopError): void {
    this.#gone ??= error;
    setImmediate(() => setImmediate(() => this.#abandon(({ begun, ended }) => !begun || ended !== undefined)));
  }

  #receive(chunk: Buffer): void {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (data.length >= REPORT.size) {
      const report = decodeReport(data.subarray(0, REPORT.size));
      data = data.subarray(REPORT.size);
      if (report === undefined) {
        this.#gone ??= new OrlopError("internal", "Cannot use zygote: it said what is no report");
        this.#socket.destroy();
        return;
      }
      this.#dispatch(report);
    }
    this.#pending = data;
  }

  #dispatch(report: Report): void {
    if (report.kind === "lost") {
      this.#lose(this.#processes.get(report.value));
      return;
    }
    if (report.kind === "signalled") {
      this.#onSignal(report.value);
      return;
    }
    const running = this.#running.get(report.request);
    if (running === undefined) return;
    running.begun = true;
    if (report.kind === "begun") {
      running.pid = report.value;
      this.#processes.set(report.value, report.request);
    }
    // On a busy machine a program may be done before the zygote gets to say that it runs; one that is gone never will.
    if (report.kind === "ended" && running.pid === undefined && !running.inPlace && this.#gone === undefined) {
      running.ended = report;
      return;
    }
    if (report.kind === "ended" || report.kind === "unstarted") this.#forget(report.request);
    running.onReport(report);
    if (report.kind === "begun" && running.ended !== undefined) this.#end(report.request, running, running.ended);
  }

  #end(request: number, running: Running, report: Report): void {
    this.#forget(request);
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
    this.#end(request, running, running.ended ?? lostReport(request));
  }

  #abandon(which: (running: Running) => boolean): void {
    for (const [request, running] of [...this.#running]) if (which(running)) this.#lose(request);
  }
}

function lostReport(request: number): Report {
  const rusage = new Uint8Array(RUSAGE_BYTES);
  return { kind: "ended", request, index: PROGRAM_LOST, value: 0, atMs: Date.now(), rusage };
}
