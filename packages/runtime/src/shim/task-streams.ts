import { chownSync, closeSync, constants, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { OrlopError, type Stdio, type StdioTarget } from "@orlop/core";
import type { LogProgram } from "./log-program.ts";

/** The streams of a process as containerd names them: a FIFO's path, `file:///path`, `binary:///program`, or nothing. */
export interface StreamNames {
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * The streams of a process between its start and its end. Clients come and go at the other ends: the reaper keeps the
 * outputs open, and the input is kept from its end here, until somebody says that it has one.
 */
export class TaskStreams implements Disposable {
  readonly names: StreamNames;
  readonly stdio: Stdio;
  readonly #log: LogProgram | undefined;
  #input: number | undefined;

  private constructor(names: StreamNames, stdio: Stdio, log: LogProgram | undefined) {
    this.names = names;
    this.stdio = stdio;
    this.#log = log;
    // For both, so that nobody is waited for. It is a writer like a client's.
    if (isFifo(names.stdin)) this.#input = openSync(names.stdin, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /**
   * @param uid the process's, as the host numbers it: who may not open its own output again cannot write to /dev/stdout
   * @param startLog starts a program that takes the outputs
   * @throws OrlopError `unsupported` for a URI of another kind
   */
  static async open(
    names: StreamNames,
    uid: number,
    startLog: (uri: string) => Promise<LogProgram>,
  ): Promise<TaskStreams> {
    const { stdin, stdout, stderr, terminal } = names;
    // As containerd's own shim has it: one program takes both.
    const log = isLogProgram(stdout) ? await startLog(stdout) : undefined;
    try {
      const stdio = {
        stdin: target(stdin, "stdin"),
        stdout: target(log?.stdout ?? stdout, "stdout"),
        stderr: terminal ? ("null" as const) : target(log?.stderr ?? stderr, "stderr"),
      };
      const { stdout: out, stderr: err } = stdio;
      for (const name of new Set([stdout, stderr])) if (name.startsWith("file:")) prepareFile(name);
      for (const each of [stdio.stdin, out, err]) if (uid !== 0) giveFifo(each, uid);
      return new TaskStreams(names, stdio, log);
    } catch (error) {
      log?.[Symbol.dispose]();
      throw error;
    }
  }

  /** The input ends with the last client that has it open. */
  closeInput(): void {
    if (this.#input !== undefined) closeSync(this.#input);
    this.#input = undefined;
  }

  [Symbol.dispose](): void {
    this.closeInput();
    this.#log?.[Symbol.dispose]();
  }
}

function isLogProgram(name: string): boolean {
  return name.startsWith("binary:") || name.startsWith("binary-v2:");
}

function target(name: string, stream: string): StdioTarget {
  if (name === "") return "null";
  if (name.startsWith("/")) return { path: name };
  if (name.startsWith("file:")) return { path: filePath(name) };
  throw new OrlopError(
    "unsupported",
    `Cannot use ${stream} "${name}": it is not the path of a FIFO, and no URI of a file or a log program`,
    { field: stream },
  );
}

function filePath(uri: string): string {
  return decodeURIComponent(new URL(uri).pathname);
}

/** As containerd's own shim has it: a log that others may read. */
function prepareFile(uri: string): void {
  const path = filePath(uri);
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  closeSync(
    openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOCTTY, FILE_MODE),
  );
}

function giveFifo(target: StdioTarget, uid: number): void {
  if (typeof target === "object" && "path" in target && isFifo(target.path)) chownSync(target.path, uid, -1);
}

function isFifo(path: string): boolean {
  return path.startsWith("/") && statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}
