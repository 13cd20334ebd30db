import { chownSync, closeSync, constants, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { OrlopError, type Stdio, type StdioTarget } from "@orlop/core";

/** The streams of a process as containerd names them: a FIFO's path, `file:///path`, or nothing. */
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
  #input: number | undefined;

  private constructor(names: StreamNames, stdio: Stdio, input: number | undefined) {
    this.names = names;
    this.stdio = stdio;
    this.#input = input;
  }

  /**
   * @param uid the process's, as the host numbers it: who may not open its own output again cannot write to /dev/stdout
   * @throws OrlopError `unsupported` for a URI of another kind
   */
  static open(names: StreamNames, uid: number): TaskStreams {
    const { stdin, stdout, stderr, terminal } = names;
    const stdio = {
      stdin: target(stdin, "stdin"),
      stdout: target(stdout, "stdout"),
      stderr: terminal ? ("null" as const) : target(stderr, "stderr"),
    };
    for (const path of new Set([stdout, stderr].filter((name) => name.startsWith("file:")))) prepareFile(path);
    for (const path of [stdin, stdout, stderr]) if (uid !== 0 && isFifo(path)) chownSync(path, uid, -1);
    // For both, so that nobody is waited for. It is a writer like a client's.
    const input = isFifo(stdin) ? openSync(stdin, constants.O_RDWR | constants.O_NONBLOCK) : undefined;
    return new TaskStreams(names, stdio, input);
  }

  /** The input ends with the last client that has it open. */
  closeInput(): void {
    if (this.#input !== undefined) closeSync(this.#input);
    this.#input = undefined;
  }

  [Symbol.dispose](): void {
    this.closeInput();
  }
}

function target(name: string, stream: string): StdioTarget {
  if (name === "") return "null";
  if (name.startsWith("/")) return { path: name };
  if (name.startsWith("file:")) return { path: filePath(name) };
  throw new OrlopError(
    "unsupported",
    `Cannot use ${stream} "${name}": it is neither the path of a FIFO nor a file:// URI`,
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

function isFifo(path: string): boolean {
  return path.startsWith("/") && statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}
