import type { Readable } from "node:stream";
import type { Caller, Output } from "./caller.ts";

/** This process as the caller: what it was started with. Nothing is loaded for it before it is asked for. */
export class OwnProcess implements Caller {
  get env(): NodeJS.ProcessEnv {
    return process.env;
  }

  get pid(): number {
    return process.pid;
  }

  get home(): string {
    return process.getBuiltinModule("node:os").homedir();
  }

  get cwd(): string {
    return process.cwd();
  }

  get umask(): number {
    return process.umask();
  }

  get stdin(): Readable {
    return process.stdin;
  }

  get stdout(): Output {
    return process.stdout;
  }

  get stderr(): Output {
    return process.stderr;
  }

  isTerminal(descriptor: 0 | 1 | 2): boolean {
    return process.getBuiltinModule("node:tty").isatty(descriptor);
  }

  path(text: string): string {
    return text;
  }

  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
    process.on(signal, listener);
  }

  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
    process.off(signal, listener);
  }

  /** It is the same process that answers: nothing is earlier. */
  afterwards(work: () => void): void {
    work();
  }

  exit(status: number): void {
    process.exit(status);
  }
}
