import { join } from "node:path";
import { runCommand } from "../steps/run-command.ts";
import { emptyOutcome, failedRun, type TestOutcome } from "./test-outcome.ts";

/** What `run-test-files.ts` is asked for. */
export interface TestRunRequest {
  /** Paths from the root of the checkout. */
  readonly files: readonly string[];
  /** How many files run at once. */
  readonly concurrency: number;
  /** A file that runs longer fails. */
  readonly fileTimeoutMs: number;
}

/** A command to put in front (`setpriv ...`) and the environment to run under. */
export interface TestRunAs {
  readonly prefix: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

function parseOutcome(output: string): TestOutcome | undefined {
  const lastLine = output.trimEnd().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(lastLine) as TestOutcome;
  } catch {
    return undefined;
  }
}

/** Runs test files in processes of their own. A run that breaks is an outcome with one failure, never a rejection. */
export async function runTests(root: string, request: TestRunRequest, runAs?: TestRunAs): Promise<TestOutcome> {
  if (request.files.length === 0) return emptyOutcome;
  const runner = join(root, "tools", "tests", "run-test-files.ts");
  const [file, ...args] = [...(runAs?.prefix ?? []), process.execPath, "-C", "source", runner, JSON.stringify(request)];
  const { output } = await runCommand(file ?? "", args, { cwd: root, env: runAs?.env ?? process.env });
  return parseOutcome(output) ?? failedRun("tools/tests/run-test-files.ts", output);
}
