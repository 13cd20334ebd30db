/** One finding of a check: where, what is the case, and what to do about it. */
export interface Problem {
  /** Path from the root of the checkout. */
  readonly path: string;
  /** First line is 1; absent when the whole file is meant. */
  readonly line?: number;
  readonly message: string;
  /** A warning is printed by the check itself and fails nothing. */
  readonly severity: "error" | "warning";
}

/** `path:line: message`, the form that editors and terminals turn into a link. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === undefined ? problem.path : `${problem.path}:${problem.line}`;
  return `${place}: ${problem.severity === "warning" ? "warning: " : ""}${problem.message}`;
}
