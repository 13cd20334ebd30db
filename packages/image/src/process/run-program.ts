import { OrlopError } from "@orlop/core";

/** Of what a program says on its standard output, and on its standard error. */
const OUTPUT_MAX_BYTES = 32 * 1024;

interface ProgramRequest {
  readonly args: readonly string[];
  /** What it finds on its standard input, which it need not read. */
  readonly input: Buffer;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** What is done, for errors: `verify image "..."`. */
  readonly what: string;
}

interface ProgramResult {
  readonly exitCode: number;
  /** Without blanks at its ends; what is too long is cut. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. Nothing that it has started is left then, also when the signal comes.
 *
 * @throws OrlopError `failed` where it cannot be started, takes too long or is killed, `cancelled`
 */
export async function runProgram(path: string, request: ProgramRequest): Promise<ProgramResult> {
  const { args, input, timeoutMs, signal, what } = request;
  const cannot = (problem: string, cause?: unknown): OrlopError =>
    new OrlopError("failed", `Cannot ${what}: "${path}" ${problem}`, { cause });
  if (signal?.aborted) throw cancelled(what, signal);
  const { spawn } = process.getBuiltinModule("node:child_process");
  // A group of its own, which ends as a whole.
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  let ended: "timeout" | "signal" | undefined;
  const end = (why: typeof ended) => () => {
    ended ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(end("timeout"), timeoutMs);
  const onAbort = end("signal");
  signal?.addEventListener("abort", onAbort);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  // It may not want to know.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  // What it leaves behind would keep its output open.
  child.once("exit", () => killGroup(child.pid));
  try {
    const exitCode = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.once("error", (cause) => reject(cannot(`cannot be started: ${cause.message}`, cause)));
      child.once("close", (code, killer) => resolve(code ?? killer));
    });
    if (ended === "signal" && signal !== undefined) throw cancelled(what, signal);
    if (ended === "timeout") throw cannot(`takes more than ${timeoutMs} ms`);
    if (typeof exitCode !== "number") throw cannot(`was ended by ${exitCode}`);
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The rest is read, too: a program need not know that nobody wants it. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  let left = OUTPUT_MAX_BYTES;
  let isCut = false;
  stream.on("data", (chunk: Buffer) => {
    isCut ||= chunk.length > left;
    if (left > 0) parts.push(chunk.subarray(0, left));
    left -= Math.min(left, chunk.length);
  });
  return () => `${Buffer.concat(parts).toString().trim()}${isCut ? "..." : ""}`;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function cancelled(what: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot ${what}: it was ended`, { cause: signal.reason });
}
