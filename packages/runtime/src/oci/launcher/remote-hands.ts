import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { LAUNCHER_TOKEN, type Program, type Report, ZygoteChannel } from "@orlop/kernel";
import type { Hands } from "../hands.ts";
import type { Hello } from "./hello.ts";
import type { Said } from "./take-leave.ts";

/** The number that the launcher's own socket has taken. */
const TAKEN = 3;

/** A launcher, which carries out programs as its caller's child. */
export class RemoteHands implements Hands {
  readonly #channel: ZygoteChannel;
  readonly #socket: Socket;
  readonly #pid: number;
  /** Where the caller's descriptor 3 has gone; negative: there was none. */
  readonly #moved: number;
  readonly #said: Said;
  readonly finishFile: string;
  #used = false;
  #became = false;
  #heard = false;

  /**
   * @param said what the call says
   */
  constructor(socket: Socket, { pid, descriptor }: Hello, finishFile: string, said: Said) {
    this.#said = said;
    this.finishFile = finishFile;
    this.#socket = socket;
    this.#pid = pid;
    this.#moved = descriptor;
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

  /** Says that this side is there, as long as that matters: see `LAUNCHER_PATIENCE`. */
  tellAlive(): void {
    this.#channel.tellAlive();
  }

  takeUnsaid(): string {
    const unsaid = this.#said.stderr;
    this.#said.stderr = "";
    return unsaid;
  }

  descriptor(fd: number): number | undefined {
    if (fd === TAKEN) return this.#moved < 0 ? undefined : this.#moved;
    return survivesExec(this.#pid, fd) ? fd : undefined;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** O_CLOEXEC of asm-generic/fcntl.h, which x86-64 and arm64 have. */
const O_CLOEXEC = 0o2000000;

/** What a launcher was executed with does so again; all that it opened itself does not. */
function survivesExec(pid: number, fd: number): boolean {
  let info: string;
  try {
    info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
  } catch {
    return false;
  }
  const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
  return flags !== "" && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
}
