import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { addOutcomes, emptyOutcome, failedFile, type TestOutcome } from "./test-outcome.ts";

interface TestRunOptions {
  /** How many processes run at once. */
  readonly concurrency: number;
  /** A process that runs longer is ended and fails. */
  readonly fileTimeoutMs: number;
  /** So many files to a process at the most; 1 unless said otherwise. Its start, and what files load, then come once. */
  readonly together?: number;
  /** A command to put in front (`setpriv ...`), and the environment; as the caller without it. */
  readonly runAs?: TestRunAs;
}

export interface TestRunAs {
  readonly prefix: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Between SIGTERM and SIGKILL, and for output to arrive after the end. */
const graceMs = 1000;
/** Of what a file printed, this much is shown when it fails. */
const printedLinesMax = 40;
const printedMaxBytes = 1 << 20;

function collect(stream: Readable | null, maxBytes: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on("data", (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    while (chunks.length > 1 && size - (chunks[0]?.length ?? 0) >= maxBytes) size -= chunks.shift()?.length ?? 0;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** How the process ended, in words; undefined for exit code 0. */
function awaitEnd(child: ChildProcess, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let timedOut = false;
    const kill = setTimeout(() => child.kill("SIGKILL"), timeoutMs + graceMs);
    const terminate = setTimeout(() => {
      timedOut = true;
      child.kill("SIGTERM");
    }, timeoutMs);
    const finish = (end: string | undefined): void => {
      clearTimeout(terminate);
      clearTimeout(kill);
      resolve(timedOut ? `did not end within ${timeoutMs} ms; something it opened is still open` : end);
    };
    child.on("error", (error) => finish(error.message));
    child.on("exit", (code, signal) => finish(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`));
  });
}

function parseOutcome(text: string): TestOutcome | undefined {
  return text === "" ? undefined : (JSON.parse(text) as TestOutcome);
}

/** What files came to in one process, and how that ended, in words, where it ended badly. */
interface Ran {
  readonly outcome: TestOutcome | undefined;
  readonly end: string | undefined;
  readonly printed: string;
}

async function runInProcess(root: string, paths: readonly string[], options: TestRunOptions): Promise<Ran> {
  const { runAs, fileTimeoutMs } = options;
  const runner = join(root, "tools", "tests", "run-test-files.ts");
  const [file = "", ...args] = [...(runAs?.prefix ?? []), process.execPath, "-C", "source", runner, ...paths];
  // Node sets this in test files, and a test runner that finds it runs nothing and reports success.
  const { NODE_TEST_CONTEXT: _, ...env } = runAs?.env ?? process.env;
  // What is tested is what lies there, not what was bundled of it.
  const child = spawn(file, args, {
    cwd: root,
    env: { ...env, ORLOP_SOURCES: "1" },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const outcomeText = collect(child.stdio[3] as Readable, Number.POSITIVE_INFINITY);
  const output = collect(child.stdout, printedMaxBytes);
  const errors = collect(child.stderr, printedMaxBytes);
  const closed = new Promise((resolve) => child.on("close", resolve));
  const end = await awaitEnd(child, fileTimeoutMs);
  // A process that the tests left behind may hold the pipes: it must not hold us too.
  await Promise.race([closed, sleep(graceMs)]);
  for (const stream of child.stdio) stream?.destroy();

  const printed = `${output()}${errors()}`.trimEnd().split("\n").slice(-printedLinesMax).join("\n");
  return { outcome: parseOutcome(outcomeText()), end, printed };
}

async function runFile(root: string, path: string, options: TestRunOptions): Promise<TestOutcome> {
  const { outcome, end, printed } = await runInProcess(root, [path], options);
  if (outcome === undefined) return failedFile(path, end ?? "ended before its tests did", printed);
  const told = withPrinted(outcome, printed);
  return end === undefined ? told : addOutcomes(told, failedFile(path, end, printed));
}

/** Which of the files has a process end badly is only known of each alone; where that is none of them, it is all together. */
async function runFiles(root: string, paths: readonly string[], options: TestRunOptions): Promise<TestOutcome> {
  const [path = "", ...others] = paths;
  if (others.length === 0) return await runFile(root, path, options);
  const { outcome, end, printed } = await runInProcess(root, paths, options);
  if (outcome !== undefined && end === undefined) return withPrinted(outcome, printed);
  let alone = emptyOutcome;
  for (const each of paths) alone = addOutcomes(alone, await runFile(root, each, options));
  if (alone.counts.failed + alone.counts.cancelled > 0) return alone;
  return addOutcomes(alone, failedFile(paths.join(" "), `together: ${end ?? "ended before the tests did"}`, printed));
}

function withPrinted(outcome: TestOutcome, printed: string): TestOutcome {
  return { ...outcome, failures: outcome.failures.map((failure) => ({ ...failure, printed })) };
}

/** Runs test files in processes of their own. What breaks is a failure in the outcome, never a rejection. */
export async function runTests(root: string, paths: readonly string[], options: TestRunOptions): Promise<TestOutcome> {
  const { concurrency, together = 1 } = options;
  const waiting = [...paths];
  const outcomes: TestOutcome[] = [];
  const worker = async (): Promise<void> => {
    while (waiting.length > 0) {
      const files = waiting.splice(0, together);
      const start = performance.now();
      const outcome = await runFiles(root, files, options);
      outcomes.push({ ...outcome, times: [{ files, durationMs: performance.now() - start }] });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return outcomes.reduce(addOutcomes, emptyOutcome);
}
