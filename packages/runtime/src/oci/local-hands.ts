import { OrlopError } from "@orlop/core";
import { type Program, type Report, Zygote } from "@orlop/kernel";
import type { Hands } from "./hands.ts";

/** Hands that this process starts itself, on first use: most verbs execute no program. */
export class LocalHands implements Hands {
  #zygoteIfStarted: Zygote | undefined;

  get alive(): boolean {
    return this.#zygoteIfStarted?.alive ?? true;
  }

  submit(program: Program, onReport: (report: Report) => void): void {
    this.#zygote.submit(program, onReport);
  }

  become(): void {
    throw new OrlopError("unsupported", "Cannot wait for a process: foreground processes are not done yet");
  }

  descriptor(fd: number): number {
    throw new OrlopError("unsupported", `Cannot pass on descriptor ${fd}: preserved descriptors are not done yet`);
  }

  close(): void {
    this.#zygoteIfStarted?.close();
  }

  get #zygote(): Zygote {
    this.#zygoteIfStarted ??= Zygote.start({ stdio: "inherit" });
    return this.#zygoteIfStarted;
  }
}
