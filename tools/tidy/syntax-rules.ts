import type { Problem } from "../source/problem.ts";
import type { SourceModule } from "../source/source-module.ts";
import { childNode, type SyntaxNode, walkSyntax } from "../source/syntax.ts";

function messageFor(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case "ExportAllDeclaration":
      return childNode(node, "exported") === undefined
        ? "a barrel hides what is exported: list the names"
        : "a namespace export hides what is exported: list the names";
    case "ExportDefaultDeclaration":
    case "TSExportAssignment":
      return "a default export has a different name in every importer: export it by name";
    case "TSAnyKeyword":
      return "any turns the checker off: use unknown and narrow it";
    default:
      return undefined;
  }
}

/** Fails barrels, default exports and `any`. */
export function syntaxProblems(module: SourceModule): readonly Problem[] {
  const { path, syntax } = module;
  const problems = syntax.errors.map((each): Problem => ({ path, message: each, severity: "error" }));
  walkSyntax(syntax.program, (node) => {
    const message = messageFor(node);
    if (message === undefined) return;
    problems.push({ path, line: module.lineAt(node.start), message, severity: "error" });
  });
  return problems;
}
