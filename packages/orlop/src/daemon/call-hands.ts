import type { Socket } from "node:net";
import { LAUNCHER_TOKEN, type Program, type Report, ZygoteChannel } from "@orlop/kernel";
import type { ZygoteLike } from "@orlop/runtime";

/** The process that was called, which carries out programs: a launcher. It is a zygote until it has become something. */
export class CallHands {
  readonly #socket: Socket;
  readonly #channel: ZygoteChannel;
  #became = false;
  /** Resolves when nothing of the caller's has the socket open any more. */
  readonly gone: Promise<void>;

  /** @param onSignal hears of signals that the process gets */
  constructor(socket: Socket, onSignal: (signal: number) => void) {
    this.#socket = socket;
    this.#channel = new ZygoteChannel(socket, LAUNCHER_TOKEN, onSignal);
    this.gone = new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
  }

  get alive(): boolean {
    return this.#channel.alive;
  }

  /** It has become a program, and ends with what that is told. */
  get became(): boolean {
    return this.#became;
  }

  submit(program: Program, onReport: (report: Report) => void): void {
    this.#channel.submit(program, onReport);
  }

  become(program: Program): void {
    this.#became = true;
    this.#channel.become(program, () => {});
  }

  /** Tells the program in the foreground with which status the call ends. */
  release(status: number): void {
    this.#channel.release(status);
  }

  /** From here on the call cannot be done again from its start: an end of this process is the end of it. */
  begin(): void {
    this.#channel.tellBegun();
  }

  /** For a runtime, which lets go of it without an end of the call. `onSubmit` hears of each program first. */
  zygote(onSubmit: (report: (report: Report) => void) => (report: Report) => void): ZygoteLike {
    const channel = this.#channel;
    return {
      get alive() {
        return channel.alive;
      },
      submit: (program, onReport) => channel.submit(program, onSubmit(onReport)),
      close: () => {},
    };
  }

  close(): void {
    this.#socket.destroy();
  }
}
