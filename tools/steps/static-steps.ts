import { join } from "node:path";
import { checkLayers } from "../layers/layer-rules.ts";
import { formatProblem, type Problem } from "../source/problem.ts";
import { readWorkspace, type Workspace } from "../source/workspace.ts";
import { checkTidy } from "../tidy/tidy-rules.ts";
import { runCommand } from "./run-command.ts";
import type { Step, StepResult } from "./step.ts";

function tool(root: string, name: string): string {
  return join(root, "node_modules", ".bin", name);
}

function formatStep(root: string): Step {
  return {
    name: "format",
    async run(): Promise<StepResult> {
      const args = [
        "check",
        "--error-on-warnings",
        "--colors=off",
        "--max-diagnostics=20",
        "--diagnostic-level=warn",
        ".",
      ];
      const { exitCode, output } = await runCommand(tool(root, "biome"), args, { cwd: root });
      const fix = "npm run format; what remains needs a hand (the rule's name stands in its first line)";
      return { ok: exitCode === 0, output, fix };
    },
  };
}

function typesStep(root: string): Step {
  return {
    name: "types",
    async run(): Promise<StepResult> {
      // What has not changed since the last time is not checked again; tsc knows by the contents of files.
      const known = ["--incremental", "--tsBuildInfoFile", join(".cache", "types.tsbuildinfo")];
      const args = ["-p", ".", "--pretty", "false", ...known];
      const { exitCode, output } = await runCommand(tool(root, "tsc"), args, { cwd: root });
      return { ok: exitCode === 0, output, fix: "correct the types above; npx tsc -p . checks them alone" };
    },
  };
}

function problemsResult(problems: readonly Problem[], fix: string): StepResult {
  const errors = problems.filter(({ severity }) => severity === "error");
  const warnings = problems.length - errors.length;
  const note = warnings === 0 ? {} : { note: `${warnings} to look at` };
  return { ok: errors.length === 0, ...note, output: errors.map(formatProblem).join("\n"), fix };
}

function layersStep(read: () => Workspace): Step {
  const fix = "each line says it; the rows are in tools/layers/package-rows.ts";
  return { name: "layers", run: async () => problemsResult(checkLayers(read()), fix) };
}

function tidyStep(read: () => Workspace): Step {
  const fix = "each line says it; node -C source tools/tidy.ts shows warnings too";
  return { name: "tidy", run: async () => problemsResult(checkTidy(read()), fix) };
}

/** The checks that read the sources and run none of them. They do not depend on each other. */
export function staticSteps(root: string): readonly Step[] {
  let workspace: Workspace | undefined;
  const read = (): Workspace => {
    workspace ??= readWorkspace(root);
    return workspace;
  };
  // The two that are programs of their own come first, so that they run while this process does the other two.
  return [formatStep(root), typesStep(root), layersStep(read), tidyStep(read)];
}
