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

/**
 * Runs the steps of each group at once and the groups one after the other, a line per step in the order given.
 *
 * Every step runs, so that one look tells all that is broken; the first failure is printed in full with its
 * fix. Resolves to true when all went well.
 */
export async function runSteps(groups: readonly (readonly Step[])[], print: (text: string) => void): Promise<boolean> {
  const failed: FinishedStep[] = [];
  for (const group of groups) {
    for (const running of group.map(finish)) {
      const finished = await running;
      print(stepLine(finished));
      if (!finished.result.ok) failed.push(finished);
    }
  }
  const first = failed[0];
  if (first === undefined) return true;
  const { output, fix } = first.result;
  print(`\n${first.step.name}:\n${(output ?? "").trimEnd()}`);
  if (fix !== undefined) print(`\nFix: ${fix}`);
  if (failed.length > 1) {
    const names = failed.slice(1).map(({ step }) => step.name);
    print(`\nAlso failed: ${names.join(", ")}. See one alone with: npm run ok -- ${names[0]}`);
  }
  return false;
}
