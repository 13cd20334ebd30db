/** `node -C source tools/layers.ts`: does every import go down the stack? */
import { checkLayers } from "./layers/layer-rules.ts";
import { formatProblem } from "./source/problem.ts";
import { readWorkspace } from "./source/workspace.ts";

const problems = checkLayers(readWorkspace(process.cwd()));
for (const problem of problems) console.error(formatProblem(problem));
if (problems.length > 0) process.exitCode = 1;
