import type { Socket } from "node:net";
import { LAUNCHER_TOKEN, type Program, type Report, ZygoteChannel } from "@orlop/kernel";
import type { Hands } from "../hands.ts";
import type { Said } from "./take-leave.ts";

/** The number that the launcher's own socket has taken. */
const TAKEN = 3;

/** A launcher, which carries out programs as its caller's child. */
export class RemoteHands implements Hands {
  readonly #channel: ZygoteChannel;
  readonly #socket: Socket;
  readonly #moved: number;
  readonly #said: Said;
  readonly finishFile: string;
  #used = false;
  #became = false;
  #heard = false;

  /**
   * @param moved where the caller's descriptor 3 has gone
   * @param said what the call says
   */
  constructor(socket: Socket, moved: number, finishFile: string, said: Said) {
    this.#said = said;
    this.finishFile = finishFile;
    this.#socket = socket;
    this.#moved = moved;
    this.#channel = new ZygoteChannel(socket, LAUNCHER_TOKEN);
  }

  get alive(): boolean {
    return this.#channel.alive;
  }

  /** Something has been executed: the caller's own process can no longer do it all. */
  get used(): boolean {
    return this.#used;
  }

  get became(): boolean {
    return this.#became;
  }

  /** What the hands have become has said something: the caller's process had not ended before. */
  get heard(): boolean {
    return this.#heard;
  }

  submit(program: Program, onReport: (report: Report) => void): void {
    this.#used = true;
    this.#channel.submit(program, onReport);
  }

  become(program: Program, onReport: (report: Report) => void): void {
    this.#used = true;
    this.#channel.become(program, (report) => {
      // What is lost is told of in the same way, by this side.
      if (report.kind === "started") this.#heard = true;
      onReport(report);
    });
    this.#became = true;
  }

  release(status: number): void {
    this.#channel.release(status);
  }

  takeUnsaid(): string {
    const unsaid = this.#said.stderr;
    this.#said.stderr = "";
    return unsaid;
  }

  descriptor(fd: number): number {
    return fd === TAKEN ? this.#moved : fd;
  }

  close(): void {
    this.#socket.destroy();
  }
}
