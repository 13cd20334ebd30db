import type { Step, StepResult } from "./step.ts";

interface FinishedStep {
  readonly step: Step;
  readonly result: StepResult;
  readonly seconds: number;
}

async function finish(step: Step): Promise<FinishedStep> {
  const start = performance.now();
  let result: StepResult;
  try {
    result = await step.run();
  } catch (error) {
    result = { ok: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  return { step, result, seconds: (performance.now() - start) / 1000 };
}

function stepLine({ step, result, seconds }: FinishedStep): string {
  const note = result.note === undefined ? "" : `  ${result.note}`;
  return `${result.ok ? "ok  " : "FAIL"} ${step.name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s${note}`;
}

function failureText({ step, result }: FinishedStep): string {
  const fix = result.fix === undefined ? "" : `\n\nFix: ${result.fix}`;
  return `\n${step.name}:\n${(result.output ?? "").trimEnd()}${fix}`;
}

/**
 * Runs the steps of each group at once and the groups one after the other, a line per step in the order given.
 *
 * Every step runs, so that one look tells all that is broken. The first failure is printed in full with its fix;
 * the others too when `show` says so. Resolves to true when all went well.
 */
export async function runSteps(
  groups: readonly (readonly Step[])[],
  show: "first-failure" | "all-failures",
  print: (text: string) => void,
): Promise<boolean> {
  const failed: FinishedStep[] = [];
  for (const group of groups) {
    for (const running of group.map(finish)) {
      const finished = await running;
      print(stepLine(finished));
      if (!finished.result.ok) failed.push(finished);
    }
  }
  const shown = show === "all-failures" ? failed : failed.slice(0, 1);
  for (const each of shown) print(failureText(each));
  const [next, ...others] = failed.slice(shown.length).map(({ step }) => step.name);
  if (next !== undefined) print(`\nAlso failed: ${[next, ...others].join(", ")}. Alone: npm run ok -- ${next}`);
  return failed.length === 0;
}
