import type { Socket } from "node:net";
import { LAUNCHER_TOKEN, type Program, type Report, ZygoteChannel } from "@orlop/kernel";
import type { Hands } from "../hands.ts";

/** The number that the launcher's own socket has taken. */
const TAKEN = 3;

/** A launcher, which carries out programs as its caller's child. */
export class RemoteHands implements Hands {
  readonly #channel: ZygoteChannel;
  readonly #socket: Socket;
  readonly #moved: number;
  #used = false;
  #became = false;

  /** @param moved where the caller's descriptor 3 has gone */
  constructor(socket: Socket, moved: number) {
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

  submit(program: Program, onReport: (report: Report) => void): void {
    this.#used = true;
    this.#channel.submit(program, onReport);
  }

  become(program: Program, onReport: (report: Report) => void): void {
    this.#used = true;
    this.#channel.become(program, onReport);
    this.#became = true;
  }

  release(status: number): void {
    this.#channel.release(status);
  }

  descriptor(fd: number): number {
    return fd === TAKEN ? this.#moved : fd;
  }

  close(): void {
    this.#socket.destroy();
  }
}
