import type { Problem } from "../source/problem.ts";
import type { Workspace } from "../source/workspace.ts";
import { deadExportProblems } from "./dead-exports.ts";
import { nameProblems } from "./name-rules.ts";
import { fileLengthProblems, functionLengthProblems } from "./size-rules.ts";
import { syntaxProblems } from "./syntax-rules.ts";
import { machinePathProblems, unfinishedProblems } from "./text-rules.ts";

/** Everything of the house style that a program can see and that the linter and the compiler do not. */
export function checkTidy(workspace: Workspace): readonly Problem[] {
  return [
    ...workspace.modules.flatMap((module) => [
      ...nameProblems(module),
      ...syntaxProblems(module),
      ...fileLengthProblems(module),
      ...functionLengthProblems(module),
      ...unfinishedProblems(module),
      ...machinePathProblems(module.path, module.text, workspace.ownPaths),
    ]),
    ...workspace.texts.flatMap(({ path, text }) => machinePathProblems(path, text, workspace.ownPaths)),
    ...deadExportProblems(workspace),
  ];
}
