/** `node -C source tools/tidy.ts`: does the checkout follow the house style? Prints warnings too. */
import { formatProblem } from "./source/problem.ts";
import { readWorkspace } from "./source/workspace.ts";
import { checkTidy } from "./tidy/tidy-rules.ts";

const problems = checkTidy(readWorkspace(process.cwd()));
for (const problem of problems) console.error(formatProblem(problem));
if (problems.some(({ severity }) => severity === "error")) process.exitCode = 1;
