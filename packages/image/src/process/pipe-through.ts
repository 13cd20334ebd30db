import type { ChildProcess } from "node:child_process";
import { Readable } from "node:stream";
import { OrlopError } from "@orlop/core";

/** Of what a program says on its standard error: enough for an error message. */
const STDERR_MAX_BYTES = 16 * 1024;

/** A program that transforms what comes on its standard input to what goes to its standard output. */
export interface FilterProgram {
  readonly path: string;
  readonly args?: readonly string[];
  /** All of its environment; absent: this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it finds on descriptor 3. */
  readonly payload?: Buffer;
}

interface PipeOptions {
  /** What is done, for errors: `unpack layer "sha256:..."`. */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/**
 * What the program makes of the chunks. It is killed when the iteration ends early, when the chunks end in an error and
 * when the signal comes; the iteration has ended when the program has.
 *
 * @throws OrlopError `unsupported` where there is no such program, `failed` with its standard error where it fails
 */
export async function* pipeThrough(
  chunks: AsyncIterable<Buffer>,
  program: FilterProgram,
  { what, signal }: PipeOptions,
): AsyncGenerator<Buffer> {
  const child = await start(program, what);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("close", (code, killer) => resolve(code === 0 ? undefined : (killer ?? `exit code ${code}`)));
  });
  const complaint = collectStderr(child);
  const kill = (): void => killGroup(child);
  signal?.addEventListener("abort", kill);
  if (signal?.aborted) kill();
  // A program that fails need not have read everything: what it says itself is the better error.
  let broken: unknown;
  const fed = feed(chunks, child).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    broken = error;
    kill();
  });
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await fed;
    const failure = await ended;
    if (signal?.aborted) throw cancelled(what, signal);
    if (broken !== undefined) throw broken;
    if (failure !== undefined)
      throw failed(program, what, complaint() === "" ? `has failed (${failure})` : `says ${complaint()} (${failure})`);
  } finally {
    signal?.removeEventListener("abort", kill);
    kill();
    // Nothing that it has left behind keeps us here.
    for (const stream of child.stdio) stream?.destroy();
    await ended;
  }
}

async function start({ path, args = [], env, payload }: FilterProgram, what: string): Promise<ChildProcess> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(path, args, {
    stdio: ["pipe", "pipe", "pipe", ...(payload === undefined ? [] : (["pipe"] as const))],
    ...(env === undefined ? {} : { env }),
    // A group of its own, which ends as a whole.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const problem = cause.code === "ENOENT" ? "there is no such program" : cause.message;
      reject(new OrlopError("unsupported", `Cannot ${what}: "${path}" would be needed, and ${problem}`, { cause }));
    });
  });
  const third = child.stdio[3] as NodeJS.WritableStream | null | undefined;
  // It may not want to know.
  third?.on("error", () => {});
  third?.end(payload ?? "");
  return child;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function feed(chunks: AsyncIterable<Buffer>, child: ChildProcess): Promise<void> {
  const { pipeline } = process.getBuiltinModule("node:stream/promises");
  if (child.stdin !== null) await pipeline(Readable.from(chunks), child.stdin);
}

function collectStderr(child: ChildProcess): () => string {
  const parts: Buffer[] = [];
  let left = STDERR_MAX_BYTES;
  child.stderr?.on("data", (chunk: Buffer) => {
    parts.push(chunk.subarray(0, left));
    left -= Math.min(left, chunk.length);
  });
  return () => Buffer.concat(parts).toString().trim();
}

function cancelled(what: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot ${what}: it was ended`, { cause: signal.reason });
}

function failed({ path }: FilterProgram, what: string, problem: string): OrlopError {
  return new OrlopError("failed", `Cannot ${what}: "${path}" ${problem}`);
}
