import type { Problem } from "../source/problem.ts";
import type { SourceModule } from "../source/source-module.ts";
import { childNode, childNodes, type SyntaxNode, walkSyntax } from "../source/syntax.ts";

const fileLinesWarn = 300;
const fileLinesMax = 500;
const testFileLinesMax = 800;
const functionLinesMax = 80;

const functionTypes: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);

/** Callbacks of these group tests; their length says nothing. */
const groupingCalls: ReadonlySet<string> = new Set(["describe", "suite"]);

/**
 * The reason behind `// table: <reason>` or `// generated: <reason>` on the first line (or after a `#!` line);
 * an empty string when the mark stands there without one.
 */
function lengthExemption(module: SourceModule): string | undefined {
  const first = module.syntax.comments[0];
  if (first === undefined || !/^(#!.*\n)?$/.test(module.text.slice(0, first.start))) return undefined;
  return /^ ?(?:table|generated):(.*)$/.exec(first.text)?.[1]?.trim();
}

function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const named = childNode(node, "id") ?? (parent && (childNode(parent, "key") ?? childNode(parent, "id")));
  return named === undefined ? "a function" : `"${String(named.name ?? named.value)}"`;
}

function isGroupOfTests(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent?.type !== "CallExpression" || !childNodes(parent, "arguments").includes(node)) return false;
  return groupingCalls.has(String(childNode(parent, "callee")?.name));
}

/** Fails functions that do not fit on a screen. */
export function functionLengthProblems(module: SourceModule): readonly Problem[] {
  if (lengthExemption(module) !== undefined) return [];
  const problems: Problem[] = [];
  walkSyntax(module.syntax.program, (node, parent) => {
    if (!functionTypes.has(node.type) || (module.isTest && isGroupOfTests(node, parent))) return;
    const line = module.lineAt(node.start);
    const lines = module.lineAt(node.end) - line + 1;
    if (lines <= functionLinesMax) return;
    const message = `${functionName(node, parent)} has ${lines} lines, more than ${functionLinesMax}: name its parts`;
    problems.push({ path: module.path, line, message, severity: "error" });
  });
  return problems;
}

/** Warns about long files and fails those with two jobs. */
export function fileLengthProblems(module: SourceModule): readonly Problem[] {
  const { path, lineCount, isTest } = module;
  const exemption = lengthExemption(module);
  if (exemption === "") return [{ path, line: 1, message: "the mark gives no reason", severity: "error" }];
  if (exemption !== undefined) return [];
  const most = isTest ? testFileLinesMax : fileLinesMax;
  if (lineCount > most) {
    const way = 'split it, or begin it with "// table: <reason>" or "// generated: <reason>"';
    return [{ path, message: `has ${lineCount} lines, more than ${most}: ${way}`, severity: "error" }];
  }
  if (isTest || lineCount <= fileLinesWarn) return [];
  return [{ path, message: `has ${lineCount} lines, more than ${fileLinesWarn}`, severity: "warning" }];
}
