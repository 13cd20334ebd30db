import { spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Architecture, hostArchitecture } from "../abi/architecture.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { encodeProgram, type Program } from "../program/program.ts";
import { verifyProgram } from "../program/verify.ts";
import { emitMachine, emitMachineWith } from "./machine.ts";
import { BOOT_ADDRESS } from "./memory-layout.ts";

/** Longer than anything a test does, under emulation and load too. */
const RUN_TIMEOUT_MS = 20_000;

interface MachineRun {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: Buffer;
}

interface RunOptions {
  /** Descriptor 0; nothing otherwise. */
  readonly input?: Uint8Array;
  readonly timeoutMs?: number;
}

/** The machine of one architecture as a file, started directly or under emulation, for tests. */
export class TestMachine implements Disposable {
  readonly architecture: Architecture;
  /** Command line that starts the machine. */
  readonly command: readonly [string, ...string[]];
  readonly directory: string;

  private constructor(architecture: Architecture, emulator: string | undefined) {
    this.architecture = architecture;
    this.directory = mkdtempSync(join(tmpdir(), "orlop-machine-"));
    const path = join(this.directory, "machine");
    writeFileSync(path, emitMachine(architecture), { mode: 0o755 });
    this.command = emulator === undefined ? [path] : [emulator, path];
  }

  /** The machine, or why it cannot run here. */
  static find(architecture: Architecture): TestMachine | string {
    if (hostArchitecture() === architecture) return new TestMachine(architecture, undefined);
    const emulator = findExecutable(`qemu-${architecture}`);
    if (emulator === undefined) return `needs qemu-${architecture} (package qemu-user)`;
    return new TestMachine(architecture, emulator);
  }

  /** Executes what `write` writes, after the verifier has accepted it. */
  run(write: (p: ProgramBuilder) => void, options: RunOptions = {}): MachineRun {
    return this.runProgram(buildProgram(this.architecture, write), options);
  }

  runProgram(program: Program, options: RunOptions = {}): MachineRun {
    verifyProgram(program);
    return this.runBytes(encodeProgram(program, { loadAddress: BOOT_ADDRESS }), options);
  }

  /** Executes the machine with this program inside, and nothing on its control descriptor. */
  runInside(program: Program): MachineRun {
    const path = join(this.directory, "with-program");
    writeFileSync(path, emitMachineWith(program), { mode: 0o755 });
    const [file, ...args] = [...this.command.slice(0, -1), path];
    const { status, signal, stdout } = spawnSync(file ?? path, args, {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: RUN_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    return { status, signal, output: stdout };
  }

  /** Gives the machine these bytes on its control descriptor. */
  runBytes(bytes: Uint8Array, options: RunOptions = {}): MachineRun {
    // Files, not pipes: a program that leaves without reading is no reason for EPIPE.
    const input = this.#open("input", options.input ?? new Uint8Array());
    const control = this.#open("program", bytes);
    try {
      const [file, ...args] = this.command;
      const { status, signal, stdout, error } = spawnSync(file, args, {
        stdio: [input, "pipe", "ignore", control],
        timeout: options.timeoutMs ?? RUN_TIMEOUT_MS,
        killSignal: "SIGKILL",
      });
      if (error !== undefined && !("code" in error && error.code === "ETIMEDOUT")) throw error;
      return { status, signal, output: stdout };
    } finally {
      closeSync(control);
      closeSync(input);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }

  #open(name: string, content: Uint8Array): number {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return openSync(path, "r");
  }
}

/** A program of one step. */
export function buildProgram(architecture: Architecture, write: (p: ProgramBuilder) => void): Program {
  const builder = new ProgramBuilder(architecture);
  builder.step({ action: "test the machine" });
  write(builder);
  return builder.build();
}

/** The path of a program on PATH. */
export function findExecutable(name: string): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
